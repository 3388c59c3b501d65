// What a person does with a sample application.
import { assert, newestMail, PASSWORD, signIn } from '../lib/harness.mjs'

export async function people({ journeys, orgate, browser }) {
  await journeys.run('two organizations in one browser: sign in, switch, come back, sign out', () =>
    browser.visit(async (page) => {
      await page.goto(orgate.app)
      await page.getByRole('link', { name: 'Sign in to Acme Inc' }).click()
      await page.getByRole('heading', { name: 'Sign in to Acme Inc' }).waitFor()
      await signIn(page, 'admin@acme.test')
      await page.getByRole('heading', { name: 'Notes of acme' }).waitFor()
      await page.getByLabel('A new note').fill('Only for Acme')
      await page.getByRole('button', { name: 'Add note' }).click()
      await page.getByText('Only for Acme').waitFor()

      await page.getByRole('link', { name: 'Globex Corporation' }).click()
      await page.getByRole('heading', { name: 'Sign in to Globex Corporation' }).waitFor()
      await signIn(page, 'admin@globex.test')
      await page.getByRole('heading', { name: 'Notes of globex' }).waitFor()
      assert(!(await page.getByText('Only for Acme').count()), "another organization's note is shown")

      await page.getByRole('link', { name: 'Choose at the provider' }).click()
      await page.getByRole('heading', { name: /choose/i }).waitFor()
      await page.getByRole('button', { name: /Acme Inc/ }).click()
      await page.getByRole('heading', { name: 'Notes of acme' }).waitFor()

      await page.getByRole('button', { name: 'Refresh token' }).click()
      await page.getByText('The access token was renewed').waitFor()

      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByText('You have signed out').waitFor()
      await page.getByRole('link', { name: 'Sign in to Acme Inc' }).click()
      await page.getByLabel(/password/i).waitFor() // signed out at the provider too
      await page.goto(orgate.app)
      await page.getByRole('link', { name: 'Sign in to Globex Corporation' }).click()
      await page.getByRole('heading', { name: 'Notes of globex' }).waitFor() // the other one is still signed in
    }))

  await journeys.run('a work e-mail of a verified domain leads to its organization at once', () =>
    browser.visit(async (page) => {
      await page.goto(orgate.app)
      await page.getByRole('link', { name: 'Sign in', exact: true }).click()
      await page.getByRole('heading', { name: 'Where do you work?' }).waitFor()
      await page.getByRole('textbox').fill('admin@globex.test')
      await page.getByRole('button', { name: /continue/i }).click()
      await page.getByRole('heading', { name: 'Sign in to Globex Corporation' }).waitFor()
      assert((await page.getByLabel(/e-mail/i).inputValue()) === 'admin@globex.test', 'the address is asked for twice')
      await page.getByLabel(/password/i).fill(PASSWORD)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Notes of globex' }).waitFor()
    }))

  await journeys.run('an address of no verified domain is proven by a mailed code, then chosen from', () =>
    browser.visit(async (page, context) => {
      await page.goto(orgate.app)
      await page.getByRole('link', { name: 'Sign in', exact: true }).click()
      await page.getByRole('textbox').fill('casey@consult.test')
      await page.getByRole('button', { name: /continue/i }).click()
      await page.getByRole('heading', { name: /mail/i }).waitFor()
      const mail = await newestMail(orgate, 'casey@consult.test')
      assert(mail.text.includes('Acme Inc') && mail.text.includes('Globex Corporation'), mail.text)
      assert(!mail.text.includes('Initech'), 'an organization that the address is not of is listed')
      const code = mail.text.match(/\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/)[0]
      await page.getByRole('textbox').fill(code.toLowerCase())
      await page.getByRole('button', { name: /continue|check|go on/i }).click()
      await page.getByRole('button', { name: /Globex Corporation/ }).click()
      await page.getByRole('heading', { name: 'Sign in to Globex Corporation' }).waitFor()
      await signIn(page, 'casey@consult.test')
      await page.getByRole('heading', { name: 'Notes of globex' }).waitFor()

      // Known in two organizations, so one session decides nothing.
      await page.getByRole('button', { name: 'Sign out' }).waitFor()
      await page.goto(`${orgate.app}/sign-in`)
      await page.getByRole('heading', { name: /choose/i }).waitFor()
    }))

  await journeys.run('a link of the mail works in the browser that asked, and spends nothing in another', () =>
    browser.visit(async (page) => {
      await page.goto(`${orgate.app}/sign-in`)
      await page.getByRole('textbox').fill('Casey@Consult.test')
      await page.getByRole('button', { name: /continue/i }).click()
      await page.getByRole('heading', { name: /mail/i }).waitFor()
      const mail = await newestMail(orgate, 'casey@consult.test')
      const link = mail.text.match(/Acme Inc\s+(http\S+)/)[1]
      await browser.visit(async (scanner) => {
        await scanner.goto(link)
        await scanner.getByText('This sign-in is over').waitFor()
      })
      await page.goto(link)
      await page.getByRole('heading', { name: 'Sign in to Acme Inc' }).waitFor()
    }))

  await journeys.run('an unknown address gets the same page, and no mail', () =>
    browser.visit(async (page) => {
      await page.goto(`${orgate.app}/sign-in`)
      await page.getByRole('textbox').fill('nobody@elsewhere.test')
      await page.getByRole('button', { name: /continue/i }).click()
      await page.getByRole('heading', { name: /mail/i }).waitFor()
      await page.waitForTimeout(2500) // the outbox is emptied every second
      const mails = await (await fetch(`${orgate.mailbox}/mails.json`)).json()
      assert(!JSON.stringify(mails).includes('nobody@elsewhere.test'), 'a mail was sent to an unknown address')
    }))

  await journeys.run('without script, by keyboard alone', () =>
    browser.visit(
      async (page) => {
        await page.goto(`${orgate.app}/sign-in?organization=acme`)
        await page.getByLabel(/e-mail/i).focus()
        await page.keyboard.type('admin@acme.test')
        await page.keyboard.press('Tab')
        await page.keyboard.type('wrong')
        await page.keyboard.press('Enter')
        await page.getByText('The e-mail address or the password is not right.').first().waitFor()
        await page.getByLabel(/password/i).focus()
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press('Enter')
        await page.getByRole('heading', { name: 'Notes of acme' }).waitFor()
      },
      { javaScriptEnabled: false },
    ))
}
