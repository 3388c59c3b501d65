// Somebody is invited by a program, comes by the mail, chooses a password, and signs in; without script, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, newestMail, signIn, tokenOf } from '../lib/harness.mjs'

const SECRET = 'a-program-that-invites-people-to-acme'
const PASSWORD = 'four words to remember'

const inviter = (issuer) => `
clients:
  - client_id: inviter
    organization: acme
    name: Inviter
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resources: ["${issuer}/api"]
    scopes: ["orgate:*"]
    roles: [admin]
`

async function invite(orgate, email) {
  const token = await tokenOf(orgate, 'inviter', SECRET)
  const answer = await fetch(`${orgate.issuer}/api/v1/organizations/acme/invitations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ email, roles: ['viewer'] }),
  })
  assert(answer.status === 201, `${answer.status}: ${await answer.text()}`)
}

export async function invitations({ journeys, orgate, browser }) {
  orgate.apply(inviter(orgate.issuer))
  let link
  const fill = async (page, again) => {
    await page.getByLabel(/name/i).fill('Nora New')
    await page.getByLabel(/choose a password/i).fill(PASSWORD)
    await page.getByLabel(/again/i).fill(again)
    await page.getByRole('button', { name: /accept/i }).click()
  }

  await journeys.run('axe: an invitation, opened from the mail, and what was typed wrong', async () => {
    await invite(orgate, 'nora@partner.test')
    const mail = await newestMail(orgate, 'nora@partner.test')
    link = mail.text.match(/http\S+\/invitations\S+/)?.[0]
    assert(link, mail.text)
    await browser.visit((page) => examine(page, 'invitation', () => page.goto(link)))
    await browser.visit((page) =>
      examine(page, 'invitation, refused', async () => {
        await page.goto(link)
        await fill(page, 'something else')
        await page.getByRole('alert').waitFor()
        assert((await page.getByLabel(/name/i).inputValue()) === 'Nora New', 'what was typed is lost')
      }))
  })

  await journeys.run('whoever is invited joins without script, and signs in with what they chose', () =>
    browser.visit(
      async (page, context) => {
        await page.goto(link)
        await fill(page, PASSWORD)
        await page.getByRole('heading', { name: /you have joined/i }).waitFor()
        await context.clearCookies()
        await page.goto(`${orgate.app}/sign-in?organization=acme`)
        await signIn(page, 'nora@partner.test', PASSWORD)
        await page.waitForURL(`${orgate.app}/**`)
        assert((await page.content()).includes('Nora New'), await page.content())
        await page.goto(link)
        await page.getByText(/used/i).first().waitFor()
      },
      { javaScriptEnabled: false }))
}
