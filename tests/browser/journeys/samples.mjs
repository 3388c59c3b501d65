// What `orgate dev` shows a newcomer: the two sample organizations that have an identity provider of their own.
import { assert, hasEnded, signIn, signOut, startOrgate, whoAmI } from '../lib/harness.mjs'

export async function samples({ journeys, browser }) {
  const orgate = await startOrgate()
  const welcome = async (page, organization) => {
    await page.goto(orgate.app)
    await page.getByRole('link', { name: `Sign in to ${organization}` }).click()
  }
  const continueAs = (page, person) => page.getByRole('button', { name: `Continue as ${person}` }).click()
  try {
    let uma
    await journeys.run('Umbrella: its people find their identity provider by their address, and get their roles', () =>
      browser.visit(async (page) => {
        await page.goto(`${orgate.app}/sign-in`)
        await page.getByRole('textbox').fill('uma@umbrella.test')
        await page.getByRole('button', { name: /continue/i }).click()
        await page.getByText('uma@umbrella.test is expected').waitFor()
        await continueAs(page, 'Uma Ueda')
        uma = await whoAmI(page)
        assert(uma.roles === 'admin editor viewer', `the roles are ${uma.roles}`)
      }))
    await journeys.run('Umbrella: nobody types a password; signing out reaches the provider, and back again', () =>
      browser.visit(async (page) => {
        await welcome(page, 'Umbrella Health')
        await continueAs(page, 'Uma Ueda')
        assert((await whoAmI(page)).user === uma.user, 'another user')
        await signOut(page)
        await welcome(page, 'Umbrella Health')
        await continueAs(page, 'Gus Guest') // it asks again
        const gus = await whoAmI(page)
        assert(gus.roles === 'viewer' && gus.user !== uma.user, `the roles are ${gus.roles}`)
        await page.goto(`${orgate.idp}/oidc`)
        await page.getByRole('button', { name: 'Sign out' }).click()
        await page.getByText('Nobody is signed in').waitFor()
        await hasEnded(page, orgate)
      }))
    await journeys.run('Vandelay: its people by SAML, its partners by password, and none of its people by password', () =>
      browser.visit(async (page) => {
        await welcome(page, 'Vandelay Industries')
        await signIn(page, 'vito@vandelay.test')
        await page.getByRole('link', { name: /Vandelay Directory/ }).click()
        await continueAs(page, 'Vito Vance')
        const vito = await whoAmI(page)
        assert(vito.roles === 'admin editor viewer', `the roles are ${vito.roles}`)
        await signOut(page)
        await welcome(page, 'Vandelay Industries')
        await signIn(page, 'paula@partner.test')
        assert((await whoAmI(page)).roles === 'viewer', 'other roles')
      }))
    await journeys.run('Vandelay: a sign-in that begins at its identity provider', () =>
      browser.visit(async (page) => {
        await page.goto(`${orgate.idp}/saml`)
        await page.getByRole('button', { name: 'Notes' }).click()
        await continueAs(page, 'Vera Vale')
        // What nobody asked for signs nobody in: it begins a sign-in, which the provider answers at once.
        await page.getByRole('link', { name: /Vandelay Directory/ }).click()
        const vera = await whoAmI(page)
        assert(vera.roles === 'editor viewer', `the roles are ${vera.roles}`)
      }))
  } finally {
    await orgate.stop()
  }
}
