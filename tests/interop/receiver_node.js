// A receiver on Node's own `https` server: checks the key, parses JSON, keeps what it processed.
// Usage: node receiver_node.js CERT KEY API_KEY [STATUS]   (STATUS: answer every POST with it). Prints its port.
'use strict';
const fs = require('node:fs');
const https = require('node:https');

const [cert, key, apiKey, always] = process.argv.slice(2);
const events = new Map();
const answer = (response, status, body) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

const server = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, (request, response) => {
  const inspected = /^\/inspect\/([^/]+)$/.exec(request.url);
  if (request.method === 'GET' && inspected) {
    const event = events.get(decodeURIComponent(inspected[1]));
    return event ? answer(response, 200, event) : answer(response, 404, { error: 'not received' });
  }
  if (request.method !== 'POST') return answer(response, 405, { error: 'POST only' });
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (always) return answer(response, Number(always), { error: 'always' });
    if (request.headers.authorization !== `api_key ${apiKey}`) return answer(response, 401, { error: 'key' });
    let body;
    try { body = JSON.parse(Buffer.concat(chunks)); } catch { return answer(response, 400, { error: 'JSON' }); }
    if (!body || !body.eventId || !body.eventType) return answer(response, 422, { error: 'no notification' });
    const event = events.get(body.eventId) ?? { eventId: body.eventId, eventType: body.eventType, received: 0, processed: 1 };
    event.received += 1;
    events.set(body.eventId, event);
    return answer(response, 200, {});
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
