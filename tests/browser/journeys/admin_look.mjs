// A newcomer gives the organization its look and its policies: by the keyboard alone, without script, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, openAdmin, press, tabTo } from '../lib/harness.mjs'

const LOGO = 'https://brand.acme.test/logo.svg'
const DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" width="180" height="48"><rect width="180" height="48" rx="8" fill="#c2185b"/></svg>'

export async function adminLook({ journeys, orgate, browser }) {
  const open = (page, below) => openAdmin(page, orgate, below)
  const type = async (page, field, text) => {
    await tabTo(page, field)
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type(text)
  }
  const withLogo = async (page) => {
    await page.route(LOGO, (route) => route.fulfill({ contentType: 'image/svg+xml', body: DRAWN }))
    return page
  }

  await journeys.run('a newcomer sees a logo and a colour before they are saved, and then where people sign in', () =>
    browser.visit(async (page, context) => {
      await withLogo(page)
      await open(page, '/look')
      await type(page, page.getByLabel(/^address of the logo/i), 'ftp://nowhere')
      await type(page, page.getByLabel(/^colour/i), '#c2185b')
      await page.locator('#preview link[href*="c2185b"]').waitFor({ state: 'attached' }) // while it is typed
      await press(page, page.getByRole('button', { name: 'Save the look' }))
      await page.getByRole('alert').getByRole('link', { name: /https/ }).waitFor()
      await press(page, page.getByRole('alert').getByRole('link', { name: /https/ }))
      await type(page, page.getByLabel(/^address of the logo/i), LOGO)
      const preview = page.getByRole('img', { name: /on a light screen/i })
      await preview.locator(`img[src="${LOGO}"]`).waitFor({ state: 'attached' })
      const button = await preview.locator('.button').evaluate((element) => getComputedStyle(element).backgroundColor)
      assert(button === 'rgb(194, 24, 91)', button)
      await press(page, page.getByRole('button', { name: 'Save the look' }))
      await page.getByText('The look is saved').waitFor()
      const stranger = await context.browser().newContext()
      const signing = await withLogo(await stranger.newPage())
      await signing.goto(`${orgate.app}/sign-in?organization=acme`)
      const logo = await signing.locator('.logo').evaluate((image) => [image.src, image.complete && image.naturalWidth])
      assert(logo[0] === LOGO && logo[1] === 180, logo.join(' '))
      const colour = await signing.getByRole('button', { name: 'Sign in' }).evaluate((element) => getComputedStyle(element).backgroundColor)
      assert(colour === 'rgb(194, 24, 91)', colour)
      await stranger.close()
    }))

  await journeys.run('a newcomer previews the look and tightens a policy without script, once they read what ends', () =>
    browser.visit(async (page) => {
      await open(page, '/look')
      assert(!(await page.getByLabel('Pick the colour').isVisible()), 'a picker that does nothing')
      await page.getByLabel(/^address of the logo/i).fill('')
      await page.getByLabel(/^colour/i).fill('#0b5fff')
      await page.getByRole('button', { name: 'Preview' }).click()
      await page.locator('#preview link[href*="0b5fff"]').waitFor({ state: 'attached' })
      await page.getByRole('button', { name: 'Save the look' }).click()
      await page.getByText('The look is saved').waitFor()
      await open(page, '/policies')
      await page.getByLabel(/^signed out after no use for/i).fill('8')
      await page.getByRole('button', { name: 'Save the policies' }).click()
      await page.getByRole('heading', { name: 'Save the policies?' }).waitFor()
      await page.getByText('more than 8 hours ago').waitFor()
      await page.getByRole('button', { name: 'Change something' }).click()
      assert((await page.getByLabel(/^signed out after no use for/i).inputValue()) === '8', 'it is forgotten')
      await page.getByRole('button', { name: 'Save the policies' }).click()
      await page.getByRole('button', { name: 'Save, and end that' }).click()
      await page.getByText('The policies are saved').waitFor()
      await page.getByText('In force: 8 hours, set here').waitFor()
      await page.getByLabel(/^signed out after no use for/i).fill('')
      await page.getByRole('button', { name: 'Save the policies' }).click()
      await page.getByText('The policies are saved').waitFor() // nothing ends by it
    }, { javaScriptEnabled: false }))

  await journeys.run('axe: the look and the policies', () =>
    browser.visit(async (page, context) => {
      await examine(page, 'admin, look', () => open(page, '/look'))
      await examine(page, 'admin, look in a pale colour', async () => {
        await page.getByLabel(/^colour/i).fill('#ffd400')
        await page.locator('#preview link[href*="ffd400"]').waitFor({ state: 'attached' })
        await page.getByRole('status').getByText('too pale for links').waitFor()
      })
      await examine(page, 'admin, look refused', async () => {
        await page.getByLabel(/^colour/i).fill('yellow')
        await page.getByLabel(/^contact/i).fill('nobody')
        await page.getByRole('button', { name: 'Save the look' }).click()
        await page.getByRole('alert').waitFor()
      })
      await examine(page, 'admin, look changed meanwhile', async () => {
        await open(page, '/look')
        const other = await context.newPage()
        await open(other, '/look')
        await other.getByLabel(/^contact/i).fill('it@acme.test')
        await other.getByRole('button', { name: 'Save the look' }).click()
        await other.getByText('The look is saved').waitFor()
        await other.close()
        await page.getByLabel(/^contact/i).fill('help@acme.test')
        await page.getByRole('button', { name: 'Save the look' }).click()
        await page.getByRole('alert').waitFor()
      })
      await examine(page, 'admin, policies', () => open(page, '/policies'))
      await examine(page, 'admin, policies refused', async () => {
        await page.getByLabel(/^a token is good for/i).fill('5000')
        await page.getByRole('radio', { name: 'Everybody' }).check()
        await page.getByRole('button', { name: 'Save the policies' }).click()
        await page.getByRole('alert').waitFor()
      })
      await examine(page, 'admin, policies asked once more', async () => {
        await open(page, '/policies')
        await page.getByRole('group', { name: /^other people/i }).getByRole('radio', { name: 'Forbidden', exact: true }).check()
        await page.getByLabel(/^signed out after no use for/i).fill('2')
        await page.getByRole('button', { name: 'Save the policies' }).click()
        await page.getByRole('heading', { name: 'Save the policies?' }).waitFor()
      })
    }))
}
