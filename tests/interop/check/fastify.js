// A receiver as Fastify's guide has it: a JSON schema beside the route, a hook for the key.
// Reads PORT and API_KEY.
'use strict';
const fastify = require('fastify')();

const events = new Map();

const body = {
  type: 'object',
  required: ['eventId', 'eventType'],
  properties: {
    eventId: { type: 'string', format: 'uuid' },
    eventType: { type: 'string' },
    eventTimestamp: { type: 'string', format: 'date-time' },
    rfpId: { type: 'string', format: 'uuid' },
    supplierId: { type: 'string', format: 'uuid' },
    attachmentIds: { type: 'array', items: { type: 'string' } },
  },
};

fastify.addHook('onRequest', async (request, reply) => {
  if (request.headers.authorization !== `api_key ${process.env.API_KEY}`) {
    return reply.code(401).send({ error: 'wrong key' });
  }
});

fastify.post('/pns', { schema: { body } }, async (request) => {
  events.set(request.body.eventId, request.body);
  return { received: true };
});

fastify.listen({ port: process.env.PORT, host: '127.0.0.1' });
