// A member looks after their own account: by the keyboard alone, without script, and under axe.
import { examine, fits } from '../lib/axe.mjs'
import { assert, enterNotes, hasEnded, PASSWORD, press, signIn } from '../lib/harness.mjs'

const CHOSEN = 'another four words to remember'

// Somebody whose password nobody else needs.
const described = `
organizations:
  - slug: acme
    name: Acme Inc
    users: [{ email: pat@acme.test, name: Pat Page, password: "${PASSWORD}", roles: [viewer] }]
`

export async function account({ journeys, orgate, browser }) {
  const enter = (page, organization, email, password) => enterNotes(page, orgate, organization, email, password)
  const open = async (page, below = '', organization = 'acme') => {
    await page.goto(`${orgate.issuer}/account${below}?organization=${organization}`)
    await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor()
  }
  const side = (page) => page.getByRole('navigation', { name: 'Your account' })

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? 'by the keyboard alone' : 'without script'
    await journeys.run(`a member finds the device that they lost, and signs it out, ${how}`, () =>
      browser.visit(async (page) => {
        await enter(page, 'acme', 'casey@consult.test')
        await browser.visit(
          async (lost) => {
            await enter(lost, 'acme', 'casey@consult.test')
            await open(page)
            await page.getByRole('heading', { name: 'Casey Consult' }).waitFor()
            await press(page, side(page).getByRole('link', { name: 'Sessions' }))
            await page.getByRole('heading', { name: 'Where you are signed in' }).waitFor()
            const device = page.getByRole('main').getByRole('listitem').filter({ hasText: 'Firefox on Windows' })
            assert(/Notes/.test(await device.first().innerText()), 'what was opened there is not said')
            if (javaScriptEnabled) await press(page, device.first().getByRole('button', { name: /^Sign out/ }))
            else await device.first().getByRole('button', { name: /^Sign out/ }).click()
            await page.getByRole('status').getByText('Signed out').waitFor()
            assert(!(await device.count()), 'it is still there')
            await hasEnded(lost, orgate)
            await press(page, side(page).getByRole('link', { name: 'Activity' }))
            await page.getByText('A session ended').first().waitFor()
          },
          { userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0' },
        )
      }, { javaScriptEnabled }))
  }

  await journeys.run('a member goes from one organization’s account to another’s, takes their data along, and signs out of one', () =>
    browser.visit(async (page) => {
      await enter(page, 'acme', 'casey@consult.test')
      await open(page, '/organizations')
      assert(!(await page.getByText('Globex').count()), 'an organization is named that this browser does not prove')
      await enter(page, 'globex', 'admin@globex.test')
      await page.goto(`${orgate.issuer}/account`)
      await press(page, page.getByRole('link', { name: /Acme Inc/ }))
      await page.getByRole('heading', { name: 'Casey Consult' }).waitFor()
      await press(page, side(page).getByRole('link', { name: 'Organizations' }))
      await press(page, page.getByRole('link', { name: 'Open your account in Globex Corporation' }))
      await page.getByRole('heading', { name: 'Gus Globe' }).waitFor()
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        press(page, page.getByRole('link', { name: 'Download your data' })),
      ])
      assert(/^account-globex-.*\.json$/.test(download.suggestedFilename()), download.suggestedFilename())
      await press(page, page.getByRole('complementary').getByRole('button', { name: 'Sign out' }))
      await page.getByRole('heading', { name: /signed out/i }).waitFor()
      await page.goto(`${orgate.issuer}/account`)
      await page.getByRole('heading', { name: 'Casey Consult' }).waitFor()
    }))

  await journeys.run('a member changes their password on a narrow screen without script: what was wrong is said, and the old one is worth nothing', async () => {
    orgate.apply(described)
    const narrow = { javaScriptEnabled: false, viewport: { width: 360, height: 740 } }
    await browser.visit(async (page) => {
      await enter(page, 'acme', 'pat@acme.test')
      await browser.visit(async (elsewhere) => {
        await enter(elsewhere, 'acme', 'pat@acme.test')
        await open(page, '/sign-in')
        await fits(page)
        const current = page.getByLabel('Your current password')
        const change = async (typed) => {
          await current.fill(typed)
          await page.getByLabel('A new password').fill(CHOSEN)
          await page.getByLabel('The same password again').fill(CHOSEN)
          await page.getByRole('button', { name: 'Change the password' }).click()
        }
        await change('not their password')
        const alert = page.getByRole('alert')
        await alert.getByRole('heading', { name: 'Your password was not changed' }).waitFor()
        assert(await alert.evaluate((element) => element === document.activeElement), 'the focus is not on the summary')
        assert(new URL(page.url()).pathname === '/account/sign-in', page.url())
        await fits(page)
        assert((await current.getAttribute('aria-invalid')) === 'true', 'the field is not marked')
        const beside = await page.locator(`#${await current.getAttribute('aria-describedby')}`).innerText()
        assert(/not your current password/i.test(beside), beside)
        for (const field of await page.locator('[type=password]').all()) assert(!(await field.inputValue()), 'a password is in the page')
        await press(page, alert.getByRole('link', { name: beside }))
        assert(await current.evaluate((element) => element === document.activeElement), 'the focus is not on what is wrong')
        await change(PASSWORD)
        await page.getByRole('status').getByText('Your password is changed').waitFor()
        await fits(page)
        await open(page, '/sessions') // they are still signed in here
        await hasEnded(elsewhere, orgate)
      }, narrow)
    }, narrow)
    await browser.visit(async (page) => {
      await page.goto(`${orgate.app}/sign-in?organization=acme`)
      await signIn(page, 'pat@acme.test')
      await page.getByText('The e-mail address or the password is not right.').first().waitFor()
      await enter(page, 'acme', 'pat@acme.test', CHOSEN)
    }, narrow)
  })

  await journeys.run('axe: the account', async () => {
    await browser.visit(async (page) => {
      await examine(page, 'account, not signed in', () => page.goto(`${orgate.issuer}/account`))
      await page.setViewportSize({ width: 1280, height: 800 })
      await enter(page, 'acme', 'admin@acme.test')
      await examine(page, 'account, profile', () => open(page))
      await examine(page, 'account, sessions', () => open(page, '/sessions'))
      await examine(page, 'account, ways to sign in', () => open(page, '/sign-in'))
      await examine(page, 'account, applications', () => open(page, '/applications'))
      await examine(page, 'account, activity', () => open(page, '/activity'))
      await examine(page, 'account, organizations', () => open(page, '/organizations'))
      await page.setViewportSize({ width: 390, height: 844 })
      await open(page)
      await page.getByText('Menu').click()
      await page.getByRole('link', { name: 'Administration' }).first().waitFor()
      await page.setViewportSize({ width: 1280, height: 800 })
      await enter(page, 'globex', 'admin@globex.test')
      await examine(page, 'account, which one', async () => {
        await page.goto(`${orgate.issuer}/account`)
        await page.getByRole('heading', { name: 'Which account?' }).waitFor()
      })
      await examine(page, 'account, of two organizations', () => open(page, '/organizations', 'globex'))
    })
  })
}
