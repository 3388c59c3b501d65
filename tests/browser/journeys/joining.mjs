// Somebody joins by an address at the organization's domain, on the way to an application; without script, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, newestMail } from '../lib/harness.mjs'

const PASSWORD = 'four words to remember'
const EMAIL = 'jo@acme.test'

const open = `
organizations:
  - slug: acme
    name: Acme Inc
    joining: { domains: automatic, others: request, roles: [viewer] }
`

export async function joining({ journeys, orgate, browser }) {
  orgate.apply(open)
  const toForm = async (page) => {
    await page.goto(`${orgate.app}/sign-in?organization=acme`)
    await page.getByRole('link', { name: /join with your work e-mail/i }).click()
    await page.getByRole('heading', { name: /join acme/i }).waitFor()
  }
  const send = async (page, email, message) => {
    await page.getByLabel(/work e-mail/i).fill(email)
    await page.getByLabel(/your name/i).fill('Jo New')
    await page.getByLabel(/message/i).fill(message)
    await page.getByRole('button', { name: /continue/i }).click()
  }
  const linkIn = async (email) => {
    const mail = await newestMail(orgate, email)
    const link = mail.text.match(/http\S+\/join\S+/)?.[0]
    assert(link, mail.text)
    return link
  }

  await journeys.run('whoever has an address at the domain joins without script, and lands where they were going', () =>
    browser.visit(
      async (page) => {
        await toForm(page)
        await send(page, EMAIL, '')
        await page.getByText(/if you can join/i).waitFor()
        await page.goto(await linkIn(EMAIL))
        await page.getByRole('button', { name: /this is my address/i }).click()
        await page.getByLabel(/choose a password/i).fill(PASSWORD)
        await page.getByLabel(/again/i).fill(PASSWORD)
        await page.getByRole('button', { name: /accept/i }).click()
        await page.waitForURL(`${orgate.app}/**`)
        assert((await page.content()).includes('Jo New'), await page.content())
      },
      { javaScriptEnabled: false }))

  await journeys.run('axe: the pages of joining', async () => {
    await browser.visit((page) => examine(page, 'join', () => toForm(page)))
    await browser.visit((page) =>
      examine(page, 'join, sent', async () => {
        await toForm(page)
        await send(page, 'guest@partner.test', 'I work with Ada')
        await page.getByText(/if you can join/i).waitFor()
      }))
    const link = await linkIn('guest@partner.test')
    await browser.visit((page) => examine(page, 'join, confirm', () => page.goto(link)))
    await browser.visit((page) =>
      examine(page, 'join, asked', async () => {
        await page.goto(link)
        await page.getByRole('button', { name: /this is my address/i }).click()
        await page.getByText(/request was sent/i).waitFor()
      }))
  })
}
