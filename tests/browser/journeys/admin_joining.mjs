// Joining, requests to join and access from above: by somebody who has only a keyboard, without script, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, heading, mailTo, PASSWORD, press, signIn, tabTo } from '../lib/harness.mjs'

const ORGANIZATIONS = `
organizations:
  - slug: umbrella
    name: Umbrella Holding
    users: [{ email: una@umbrella.test, name: Una Upper, password: "${PASSWORD}", roles: [owner] }]
  - slug: hooli
    name: Hooli
    parent: umbrella
    domains: [hooli.test]
    users: [{ email: admin@hooli.test, name: Holly Hooli, password: "${PASSWORD}", roles: [owner] }]
`

export async function adminJoining({ journeys, orgate, browser }) {
  orgate.apply(ORGANIZATIONS)
  const open = async (page, below, name, [slug, email] = ['hooli', 'admin@hooli.test']) => {
    await page.goto(`${orgate.issuer}/admin/${slug}${below}`)
    if (await page.getByLabel('Password', { exact: true }).count()) await signIn(page, email)
    await heading(page.getByRole('main'), name, 1)
  }
  const ask = async (page, email, message) => {
    await page.goto(`${orgate.app}/sign-in?organization=hooli`)
    await page.getByRole('link', { name: /join with your work e-mail/i }).click()
    await page.getByLabel(/work e-mail/i).fill(email)
    await page.getByLabel(/your name/i).fill('Jo New')
    await page.getByLabel(/message/i).fill(message)
    await page.getByRole('button', { name: /continue/i }).click()
    await page.getByText(/if you can join/i).waitFor()
    await page.goto(await mailTo(orgate, email, /http\S+\/join\S+/))
    await page.getByRole('button', { name: /this is my address/i }).click()
    await page.getByText(/request was sent/i).waitFor()
  }

  await journeys.run('an administrator says who may join, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page, '/joining', 'Joining')
      const groups = page.getByRole('main').getByRole('group')
      await tabTo(page, groups.filter({ hasText: 'With an address of your domains' }).getByRole('radio', { name: /by invitation/i }))
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      await tabTo(page, groups.filter({ hasText: 'With any other address' }).getByRole('radio', { name: /by invitation/i }))
      await page.keyboard.press('ArrowDown')
      await tabTo(page, page.getByRole('checkbox', { name: /reader/i }))
      await page.keyboard.press('Space')
      await press(page, page.getByRole('button', { name: 'Save' }))
      await page.getByText('It is saved').waitFor()
      assert(await page.getByRole('radio', { name: /at once/i }).isChecked(), 'it was not saved')
    }))

  await journeys.run('somebody asks to join, and an administrator lets them in, without script', async () => {
    await browser.visit((page) => ask(page, 'jo@partner.test', 'I work with Holly'), { javaScriptEnabled: false })
    await browser.visit((page) => ask(page, 'joe@partner.test', ''), { javaScriptEnabled: false })
    await browser.visit(async (page) => {
      await open(page, '/joining', 'Joining')
      await press(page, page.getByRole('main').getByRole('link', { name: 'Requests to join' }))
      const row = (email) => page.getByRole('row').filter({ hasText: email })
      await row('jo@partner.test').getByText('I work with Holly').waitFor()
      await press(page, row('joe@partner.test').getByRole('button', { name: /deny/i }))
      await page.getByText('The request is denied').waitFor()
      await press(page, row('jo@partner.test').getByRole('link', { name: /let in/i }))
      await heading(page, 'Let jo@partner.test in?', 1)
      await tabTo(page, page.getByRole('checkbox', { name: /reader/i }))
      await page.keyboard.press('Space')
      await press(page, page.getByRole('button', { name: 'Invite them' }))
      await page.getByText('They are invited').waitFor()
      await heading(page, 'Nobody waits to be let in', 2)
      await page.getByRole('link', { name: 'All', exact: true }).click()
      await row('jo@partner.test').getByText('Approved').waitFor()
    }, { javaScriptEnabled: false })
    assert(await mailTo(orgate, 'jo@partner.test', /http\S+\/invitations\S+/), 'no invitation')
  })

  await journeys.run('an organization above is let in and let in no more, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page, '/delegations', 'Access from above')
      await press(page, page.getByRole('link', { name: /^let in umbrella holding/i }))
      await heading(page, 'Umbrella Holding', 1)
      await tabTo(page, page.getByRole('checkbox', { name: /^read users/i }))
      await page.keyboard.press('Space')
      await press(page, page.getByRole('button', { name: 'Let it in' }), 120)
      await page.getByText('It is saved').waitFor()
      await browser.visit(async (above) => {
        await open(above, '/suborganizations', 'Sub-organizations', ['umbrella', 'una@umbrella.test'])
        await above.getByRole('row').filter({ hasText: 'hooli' }).getByRole('link').click()
        await heading(above, 'Users', 1)
      })
      await open(page, '/delegations', 'Access from above')
      await press(page, page.getByRole('link', { name: /^end the access of umbrella holding/i }))
      await tabTo(page, page.getByLabel(/to confirm/i))
      await page.keyboard.type('umbrella')
      await page.keyboard.press('Enter')
      await page.getByText('Its access has ended').waitFor()
    }))

  await journeys.run('axe: joining, requests to join and access from above', () =>
    browser.visit(async (page) => {
      await browser.visit((visitor) => ask(visitor, 'jim@partner.test', 'I work with Holly, as Jo does'))
      await examine(page, 'admin, joining', () => open(page, '/joining', 'Joining'))
      await examine(page, 'admin, requests to join', () => open(page, '/join-requests', 'Requests to join'))
      await examine(page, 'admin, one who asked', async () => {
        await page.getByRole('link', { name: /let in/i }).click()
        await heading(page, /^Let jim/, 1)
      })
      await examine(page, 'admin, access from above', () => open(page, '/delegations', 'Access from above'))
      await examine(page, 'admin, nothing ticked for one above', async () => {
        await page.getByRole('link', { name: /^let in umbrella holding/i }).click()
        await page.getByRole('button', { name: 'Let it in' }).click()
        await page.getByRole('alert').waitFor()
      })
    }))
}
