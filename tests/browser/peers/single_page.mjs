// A single-page application: oidc-client-ts as its authors publish it, on a page that does nothing by itself. It runs
// in the browser, on an origin of its own.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { fileURLToPath } from 'node:url'

const LIBRARY = fileURLToPath(new URL('../node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url))
const PAGE = '<!doctype html><title>Single Page</title><script src="/oidc-client-ts.js"></script><p id="ready">ready</p>'

export async function startSinglePage() {
  const library = readFileSync(LIBRARY)
  const server = http.createServer((request, response) => {
    if (request.url === '/favicon.ico') return response.writeHead(404).end()
    const [type, body] = request.url === '/oidc-client-ts.js' ? ['text/javascript', library] : ['text/html', PAGE]
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop: () => (server.closeAllConnections(), server.close()),
  }
}
