// A sign-in in another language than English, from end to end: what the browser says it reads is what the pages are in, and
// their longest words fit.
import { examine } from '../lib/axe.mjs'
import { assert, enterNotes, heading, PASSWORD, whoAmI } from '../lib/harness.mjs'
import { authorize as begin } from '../lib/pages.mjs'

const GERMAN = { locale: 'de-DE' }
const LONG = ['de', 'fr', 'es']
const ACCOUNT = ['', '/sessions', '/sign-in', '/applications', '/activity', '/organizations']

export async function languages({ journeys, orgate, browser, callback }) {
  const authorize = (changes) => begin({ orgate, callback }, changes)
  const isIn = async (page, language) => {
    const lang = await page.locator('html').getAttribute('lang')
    assert(lang === language, `${page.url()} is in ${lang}`)
  }
  const says = async (page, name, language = 'de') => {
    await heading(page, name)
    await isIn(page, language)
  }

  await journeys.run('a German browser: found, mistyped, signed in, signed out, in German throughout', () =>
    browser.visit(async (page) => {
      await page.goto(`${orgate.app}/sign-in`)
      await says(page, 'Wo arbeiten Sie?')
      await page.getByLabel('Geschäftliche E-Mail-Adresse oder Name der Organisation').fill('acme')
      await page.getByRole('button', { name: 'Weiter' }).click()
      await says(page, 'Bei Acme Inc anmelden')
      await page.getByLabel('E-Mail-Adresse').fill('admin@acme.test')
      await page.getByLabel('Passwort').fill('falsch')
      await page.getByRole('button', { name: 'Anmelden' }).click()
      await page.getByText('Die E-Mail-Adresse oder das Passwort stimmt nicht.').first().waitFor()
      await isIn(page, 'de')
      assert((await page.getByLabel('E-Mail-Adresse').inputValue()) === 'admin@acme.test', 'the address was lost')
      await page.getByLabel('Passwort').fill(PASSWORD)
      await page.getByRole('button', { name: 'Anmelden' }).click()
      assert((await whoAmI(page)).user, 'nobody is signed in')

      await page.goto(`${orgate.issuer}/logout`)
      await says(page, 'Bei Acme Inc abmelden?')
      await page.getByRole('button', { name: 'Abmelden' }).click()
      await says(page, 'Sie sind abgemeldet')
    }, GERMAN))

  await journeys.run('an application asks for French of a German browser, and for a language that there is not', () =>
    browser.visit(async (page) => {
      await page.goto(authorize({ organization: 'acme', ui_locales: 'nl fr-CA' }))
      await says(page, 'Se connecter à Acme Inc', 'fr')
      await page.goto(authorize({ organization: 'acme', ui_locales: 'nl' }))
      await says(page, 'Bei Acme Inc anmelden')
    }, GERMAN))

  // `examine` looks at each page at 360 px and wide, light and dark: nothing scrolls sideways, and axe finds nothing.
  for (const language of LONG) {
    const shown = {
      discovery: (page) => page.goto(authorize({ ui_locales: language })),
      'discovery, mail sent': async (page) => {
        await page.goto(authorize({ ui_locales: language }))
        await page.getByRole('textbox').fill('someone@elsewhere.test')
        await page.locator('form button').click()
        await page.locator('#code').waitFor()
      },
      'sign-in, refused': async (page) => {
        await page.goto(authorize({ organization: 'acme', ui_locales: language }))
        await page.locator('#email').fill('nobody@acme.test')
        await page.locator('#password').fill('wrong')
        await page.locator('form.stack button').click()
        await page.locator('#alert').waitFor()
      },
      'an error': (page) => page.goto(authorize({ client_id: 'nobody', ui_locales: language })),
      'an organization that is not there': (page) => page.goto(authorize({ organization: 'nobody', ui_locales: language })),
    }
    for (const [name, open] of Object.entries(shown)) {
      await journeys.run(`axe, in ${language}: ${name}`, () =>
        browser.visit((page) =>
          examine(page, `${name}, in ${language}`, async (page) => {
            await open(page)
            await isIn(page, language)
          })))
    }
    await journeys.run(`axe, in ${language}: the pages of the account`, () =>
      browser.visit(async (page) => {
        await enterNotes(page, orgate, 'acme', 'admin@acme.test')
        for (const below of ACCOUNT) {
          await examine(page, `account${below}, in ${language}`, async (page) => {
            await page.goto(`${orgate.issuer}/account${below}?ui_locales=${language}`)
            await isIn(page, language)
          })
        }
      }))
  }
}
