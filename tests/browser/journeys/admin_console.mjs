// The console: an operator finds an organization, says why they look at it, and suspends it, by the keyboard alone.
import { examine } from '../lib/axe.mjs'
import { assert, openConsole, press, tabTo } from '../lib/harness.mjs'

export async function adminConsole({ journeys, orgate, browser }) {
  const open = (page) => openConsole(page, orgate)
  const say = async (page, why) => {
    await page.getByRole('heading', { name: /why do you look/i }).waitFor()
    await tabTo(page, page.getByLabel('Your reason'))
    await page.keyboard.type(why)
    await page.keyboard.press('Enter')
    await page.getByRole('note').getByText(why).waitFor()
  }

  await journeys.run('an operator makes an organization, finds it, and lets nobody in for a while, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page)
      await press(page, page.getByRole('link', { name: 'Make an organization' }))
      await tabTo(page, page.getByLabel('Its name'))
      await page.keyboard.type('Stark Supplies')
      await tabTo(page, page.getByLabel('Its short name'))
      await page.keyboard.type('Stark')
      await page.keyboard.press('Enter')
      await press(page, page.getByRole('alert').getByRole('link'))
      await page.keyboard.press('Control+A')
      await page.keyboard.type('stark')
      await page.keyboard.press('Enter')
      await page.getByText('The organization is there').waitFor()
      await tabTo(page, page.getByLabel(/find by name/i))
      await page.keyboard.type('supplies')
      await page.waitForURL(/find=supplies/) // while it is typed
      assert((await page.getByRole('row').count()) === 2, 'a heading and one organization')
      await press(page, page.getByRole('link', { name: /status and limits of stark supplies/i }))
      await say(page, 'Unpaid since May')
      await tabTo(page, page.getByLabel(/to confirm/i).first())
      await page.keyboard.type('stark')
      await page.keyboard.press('Enter')
      await page.getByText('The status is changed').waitFor()
      await press(page, page.getByRole('button', { name: 'Let it in again' }))
      await page.getByText('The status is changed').waitFor()
      await press(page, page.getByRole('link', { name: 'Overview', exact: true }).last())
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      assert((await page.getByRole('main').getByRole('button').count()) === 0, 'nothing can be changed there')
    }))

  await journeys.run('axe: the console', () =>
    browser.visit(async (page) => {
      await examine(page, 'console, organizations', () => open(page))
      await examine(page, 'console, none fits', () => page.goto(`${orgate.issuer}/admin/operator/organizations?find=nowhere`))
      await examine(page, 'console, make an organization', () => page.goto(`${orgate.issuer}/admin/operator/organizations/new`))
      await open(page)
      const globex = page.getByRole('row', { name: /globex/i }).first()
      await examine(page, 'console, why', () => globex.getByRole('link', { name: /status and limits/i }).click())
      await examine(page, 'console, status and limits', () => say(page, 'Ticket 7'))
      await examine(page, 'console, an organization as its administrators see it', async () => {
        await page.getByRole('link', { name: 'Users', exact: true }).last().click()
        await page.getByRole('heading', { name: 'Users' }).waitFor()
      })
    }))
}
