// A receiver of one organization's webhook, as Standard Webhooks says: https://www.standardwebhooks.com
import http from 'node:http';
import { Webhook } from 'standardwebhooks';

const { WEBHOOK_SECRET: secret, PORT = '3002' } = process.env; // `whsec_…`, as Orgate showed it once
const webhook = new Webhook(secret);

/** Ids of what was taken: an event may come twice. Keep them where a restart does not forget them. */
const taken = new Set();

const endpoint = http.createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > 262144) return response.writeHead(413).end();
  }
  let event;
  try {
    event = webhook.verify(body, request.headers); // the body as it came, not as it was parsed
  } catch (error) {
    console.error(`refused: ${error.message}`);
    return response.writeHead(401).end();
  }
  const id = request.headers['webhook-id'];
  if (!taken.has(id)) console.log(JSON.stringify({ id, type: event.type, org_id: event.data.org_id }));
  taken.add(id);
  response.writeHead(204).end(); // only now: what is not answered for is sent again
});
endpoint.listen(Number(PORT), '127.0.0.1', () => console.log(`receiving at http://localhost:${endpoint.address().port}/`));
