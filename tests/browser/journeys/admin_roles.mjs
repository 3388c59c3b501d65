// Roles and groups: made by somebody who has only a keyboard, changed by two at once, and under axe.
import { examine } from '../lib/axe.mjs'
import { assert, openAdmin, press, tabTo } from '../lib/harness.mjs'

export async function adminRoles({ journeys, orgate, browser }) {
  const open = (page, below) => openAdmin(page, orgate, below)
  // What has the focus is seen: not behind the bar at the bottom, and not outside of the page.
  const isSeen = (page) => page.evaluate(() => {
    const { left, top, width, height } = document.activeElement.getBoundingClientRect()
    const found = document.elementFromPoint(left + width / 2, top + height / 2)
    return document.activeElement.contains(found) || found?.contains(document.activeElement)
  })
  const rolePage = async (page, name) => {
    await open(page, '/roles')
    await page.getByRole('row', { name }).getByRole('link').click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
  }

  await journeys.run('a newcomer makes a role and a group that gives it, by the keyboard alone', () =>
    browser.visit(async (page) => {
      await open(page)
      await press(page, page.getByRole('complementary').getByRole('link', { name: 'Roles' }))
      await page.getByRole('heading', { level: 1, name: 'Roles' }).waitFor()
      await press(page, page.getByRole('main').getByRole('link', { name: 'Make a role' }))
      await page.getByRole('heading', { level: 1, name: 'Make a role' }).waitFor()
      const save = page.getByRole('button', { name: 'Make the role' })
      await press(page, page.getByRole('link', { name: 'Skip all these boxes' }))
      await press(page, save, 2)
      const alert = page.getByRole('alert')
      await alert.waitFor()
      assert(await alert.evaluate((element) => element === document.activeElement), 'the focus is not on what is wrong')
      await press(page, alert.getByRole('link'), 2)
      await page.keyboard.type('Support lead')
      await tabTo(page, page.getByRole('checkbox', { name: /^read users/i }))
      await page.keyboard.press('Space')
      assert(await isSeen(page), 'what has the focus is covered')
      await tabTo(page, page.getByRole('checkbox', { name: /^all groups/i }))
      await page.keyboard.press('Space')
      assert(!await page.getByRole('checkbox', { name: /^manage groups/i }).count(), 'what is included is not to be chosen')
      await tabTo(page, page.getByRole('checkbox', { name: 'notes:write' }), 80)
      assert(await isSeen(page), 'what has the focus is covered')
      await page.keyboard.press('Space')
      await press(page, save, 20)
      await page.getByText('The role is made').waitFor()
      for (const name of [/^read users/i, /^all groups/i, 'notes:write']) {
        assert(await page.getByRole('checkbox', { name }).isChecked(), `${name} is not ticked`)
      }

      await press(page, page.getByRole('complementary').getByRole('link', { name: 'Groups' }))
      await press(page, page.getByRole('main').getByRole('link', { name: 'Make a group' }))
      await tabTo(page, page.getByLabel('Name', { exact: true }))
      await page.keyboard.type('Support')
      await tabTo(page, page.getByRole('checkbox', { name: /support lead/i }))
      await page.keyboard.press('Space')
      await press(page, page.getByRole('button', { name: 'Make the group' }))
      await page.getByText('The group is made').waitFor()
      await tabTo(page, page.getByLabel(/add a user/i))
      await page.keyboard.type('casey@consult.test')
      await page.keyboard.press('Enter')
      await page.getByText('They are in the group').waitFor()
      await press(page, page.getByRole('button', { name: /^take out/i }), 40)
      await page.getByText('They are out of the group').waitFor()
      await press(page, page.getByRole('link', { name: /^delete/i }), 40)
      await tabTo(page, page.getByLabel(/to confirm/i))
      await page.keyboard.type('support')
      await page.keyboard.press('Enter')
      await page.getByText('The group is gone').waitFor()
    }))

  await journeys.run('of two who change a role at once, the second reads what the first did, without script', () =>
    browser.visit(async (page, context) => {
      await rolePage(page, 'Support lead')
      const other = await context.newPage()
      await other.goto(page.url())
      await other.getByRole('checkbox', { name: /^read audit log/i }).check()
      await other.getByRole('button', { name: 'Save changes' }).click()
      await other.getByText('The role is saved').waitFor()
      await page.getByRole('checkbox', { name: /^read invitations/i }).check()
      await page.getByRole('button', { name: 'Save changes' }).click()
      const alert = page.getByRole('alert')
      await alert.getByText('Put into it: orgate:audit:read').waitFor()
      assert(await page.getByRole('checkbox', { name: /^read invitations/i }).isChecked(), 'what was ticked is lost')
      await page.getByRole('checkbox', { name: /^read audit log/i }).check()
      await page.getByRole('button', { name: 'Save mine' }).click()
      await page.getByText('The role is saved').waitFor()
      for (const name of [/^read invitations/i, /^read audit log/i]) {
        assert(await page.getByRole('checkbox', { name }).isChecked(), `${name} is not ticked`)
      }
    }, { javaScriptEnabled: false }))

  await journeys.run('axe: roles and groups', () =>
    browser.visit(async (page) => {
      await examine(page, 'admin, roles', () => open(page, '/roles'))
      await examine(page, 'admin, a role', () => rolePage(page, 'Support lead'))
      await examine(page, 'admin, all of it', () => page.getByRole('checkbox', { name: 'Everything', exact: true }).check())
      await examine(page, 'admin, a role that is stale', async () => {
        await page.locator('[name=base]').evaluate((element) => (element.value = 'notes:read'))
        await page.getByRole('button', { name: 'Save changes' }).click()
        await page.getByRole('alert').waitFor()
      })
      await examine(page, 'admin, a new role', () => open(page, '/roles/new'))
      await examine(page, 'admin, a role that was not made', async () => {
        await page.getByRole('textbox', { name: /more of them|permissions of applications/i }).fill('orgate:users:fly')
        await page.getByLabel('Name', { exact: true }).fill('New')
        await page.getByRole('button', { name: 'Make the role' }).click()
        await page.getByRole('alert').waitFor()
      })
      await examine(page, 'admin, delete a role', async () => {
        await rolePage(page, 'Support lead')
        await page.getByRole('link', { name: /^delete/i }).click()
        await page.getByLabel(/to confirm/i).waitFor()
      })
      await examine(page, 'admin, no groups', () => open(page, '/groups'))
      await examine(page, 'admin, a new group', () => open(page, '/groups/new'))
      await page.getByLabel('Name', { exact: true }).fill('Staff')
      await page.getByRole('checkbox', { name: /viewer/i }).check()
      await examine(page, 'admin, a group', async () => {
        await page.getByRole('button', { name: 'Make the group' }).click()
        await page.getByText('The group is made').waitFor()
      })
      await page.getByLabel(/add a user/i).fill('casey@consult.test')
      await examine(page, 'admin, a group with somebody in it', async () => {
        await page.getByRole('button', { name: 'Add' }).click()
        await page.getByText('They are in the group').waitFor()
      })
      await examine(page, 'admin, groups', () => open(page, '/groups'))
    }))
}
