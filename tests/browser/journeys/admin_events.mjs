// Webhooks, and the organization's own words in mails: by somebody who has only a keyboard, without script, and under axe.
import http from 'node:http'
import { examine } from '../lib/axe.mjs'
import { assert, heading, newestMail, openAdmin, press, tabTo } from '../lib/harness.mjs'

// Keeps what it is sent, and answers with `status`.
async function startReceiver() {
  const receiver = { status: 204, sent: [] }
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    receiver.sent.push({ type: JSON.parse(body).type, signature: request.headers['webhook-signature'] })
    response.writeHead(receiver.status).end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(receiver, { url: `http://127.0.0.1:${server.address().port}/hook`, stop: () => server.close() })
}

export async function adminEvents({ journeys, orgate, browser }) {
  const open = (page, below) => openAdmin(page, orgate, below)
  const receiver = await startReceiver()
  const main = (page) => page.getByRole('main')
  // What came back of an event, once something did.
  const lookAgain = async (page, what) => {
    for (const until = Date.now() + 20_000; !(await page.getByText(what, { exact: true }).count());) {
      assert(Date.now() < until, `it never says ${what}`)
      await page.reload()
    }
  }

  await journeys.run('an administrator makes a webhook and tries it out, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page, '/webhooks')
      await press(page, main(page).getByRole('link', { name: 'Make a webhook' }))
      await heading(page, 'Make a webhook', 1)
      await press(page, page.getByRole('button', { name: 'Make the webhook' }))
      await page.getByRole('alert').waitFor()
      await press(page, page.getByRole('alert').getByRole('link'))
      await page.keyboard.type(receiver.url)
      await tabTo(page, page.getByLabel('What is it for?'))
      await page.keyboard.type('Payroll')
      await page.keyboard.press('Enter')
      await heading(page, 'The webhook is made', 1)
      assert(/^whsec_/.test(await page.locator('#secret').innerText()), 'no secret')
      await press(page, main(page).getByRole('link', { name: 'Done' }))
      await heading(page, 'Payroll', 1)
      assert(!(await page.content()).includes('whsec_'), 'the secret is shown again')
      await press(page, page.getByRole('button', { name: 'Send a test event' }))
      await page.getByText('The test event is on its way').waitFor()
      await lookAgain(page, 'Status 204')
      assert(receiver.sent.some(({ type, signature }) => type === 'webhook.tested' && signature.startsWith('v1,')), 'nothing was sent')
    }))

  await journeys.run('an administrator has what was not taken delivered again, and deletes the webhook, without script', () =>
    browser.visit(async (page) => {
      receiver.status = 503
      await open(page, '/webhooks')
      await page.getByRole('link', { name: /payroll/i }).click()
      await page.getByRole('button', { name: 'Send a test event' }).click()
      await lookAgain(page, 'Status 503')
      receiver.status = 204
      await page.getByRole('link', { name: 'Back to the webhook' }).click()
      await page.getByRole('row', { name: /status 503/i }).getByRole('button', { name: /deliver again/i }).click()
      await lookAgain(page, 'Status 204')
      await page.getByRole('link', { name: 'Back to the webhook' }).click()
      await page.getByLabel('Only what is chosen below').check()
      await page.getByText('Choose events').click()
      await page.getByRole('checkbox', { name: /user\.configured/ }).check()
      await page.getByLabel(/^single events/i).fill('sign_in.failed\nsign_in.flew')
      await page.getByRole('button', { name: 'Save changes' }).click()
      await page.getByRole('alert').getByText('“sign_in.flew”').waitFor()
      await page.getByLabel(/^single events/i).fill('sign_in.failed')
      await page.getByRole('button', { name: 'Save changes' }).click()
      await page.getByText('The webhook is saved').waitFor()
      await page.getByLabel(/^how long does the one/i).selectOption('0')
      await page.getByRole('button', { name: 'Replace the secret' }).click()
      await heading(page, 'The secret is replaced', 1)
      await main(page).getByRole('link', { name: 'Done' }).click()
      await page.getByRole('button', { name: 'Switch off' }).click()
      await page.getByText('The webhook is switched off').waitFor()
      await page.getByRole('link', { name: /^delete/i }).click()
      await page.getByLabel(/type its host/i).fill('127.0.0.1')
      await page.getByRole('button', { name: 'Delete the webhook' }).click()
      await page.getByText('The webhook is gone').waitFor()
    }, { javaScriptEnabled: false }))

  await journeys.run('an administrator words a mail, and whoever is invited reads it, without script', () =>
    browser.visit(async (page) => {
      await open(page, '/mails')
      await page.getByRole('region', { name: 'Invitation' }).getByRole('link', { name: /all other languages/i }).click()
      await page.getByLabel('Subject').fill('{{ organization }} is waiting for {{ you }}')
      await page.getByLabel('Text').fill('Hello {{ name }}')
      await page.getByRole('button', { name: 'Preview' }).click()
      await page.getByRole('alert').getByText('there is no you here').waitFor()
      await page.getByLabel('Subject').fill('{{ organization }} is waiting for you')
      await page.getByRole('button', { name: 'Preview' }).click()
      const preview = page.getByRole('region', { name: 'As it would go out' })
      await preview.getByText('Acme Inc is waiting for you').waitFor()
      await page.getByRole('button', { name: 'Save the mail' }).click()
      await page.getByText('The mail is saved').waitFor()
      await open(page, '/invitations/new')
      await page.getByLabel(/e-mail/i).fill('wanda@elsewhere.test')
      await page.getByRole('button', { name: /send the invitation/i }).click()
      const mail = await newestMail(orgate, 'wanda@elsewhere.test')
      assert(mail.subject === 'Acme Inc is waiting for you', mail.subject)
      await open(page, '/mails/invitation/default')
      await page.getByRole('link', { name: /^go back to orgate/i }).click()
      await page.getByRole('button', { name: /^go back to orgate/i }).click()
      await page.getByText('Your words are gone').waitFor()
    }, { javaScriptEnabled: false }))

  await journeys.run('a mail is shown as it would go out while it is written', () =>
    browser.visit(async (page) => {
      await open(page, '/mails/invitation/de')
      await page.getByLabel('Subject').fill('Moin von {{ organization }}')
      await page.locator('#preview').getByText('Moin von Acme Inc').waitFor()
      await page.getByLabel('Text').fill('{% if name %}')
      await page.locator('#preview').getByText('unexpected end of input').waitFor()
    }))

  await journeys.run('axe: webhooks and mails', () =>
    browser.visit(async (page) => {
      await examine(page, 'admin, a new webhook', () => open(page, '/webhooks/new'))
      await page.getByLabel('Only what is chosen below').check()
      await page.getByText('Choose events').click()
      await examine(page, 'admin, a new webhook that is refused', async () => {
        await page.getByRole('button', { name: 'Make the webhook' }).click()
        await page.getByRole('alert').waitFor()
      })
      await page.getByLabel('Address').fill(receiver.url)
      await page.getByLabel('Whatever happens').check()
      await examine(page, 'admin, the secret of a webhook', async () => {
        await page.getByRole('button', { name: 'Make the webhook' }).click()
        await heading(page, 'The webhook is made', 1)
      })
      await examine(page, 'admin, mails', () => open(page, '/mails'))
      await examine(page, 'admin, a mail', () => open(page, '/mails/invitation/fr'))
    }))

  receiver.stop()
}
