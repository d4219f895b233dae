// A receiver as Express' guide has it: `express.json()`, a handler for the key, a route, a Map for a database.
// Reads PORT, API_KEY and FRAMEWORK (the package to load: Express 4 and 5 take the same code).
'use strict';
const express = require(process.env.FRAMEWORK);

const app = express();
const events = new Map();

const checkKey = (req, res, next) => {
  if (req.get('Authorization') !== `api_key ${process.env.API_KEY}`) {
    return res.status(401).json({ error: 'wrong key' });
  }
  next();
};

app.post('/pns', checkKey, express.json(), (req, res) => {
  const { eventId, eventType, rfpId } = req.body;
  if (!eventId || !eventType) {
    return res.status(400).json({ error: 'eventId and eventType are required' });
  }
  if (!events.has(eventId)) {
    events.set(eventId, { eventType: eventType.toUpperCase(), rfpId });
  }
  res.json({ received: true });
});

app.listen(process.env.PORT, '127.0.0.1');
