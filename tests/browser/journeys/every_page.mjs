// Every page of an organization with no data, and of one with some: under axe, light and dark, wide and narrow.
import { examineInEveryLook } from '../lib/axe.mjs'
import { assert } from '../lib/harness.mjs'
import { ordinary, settle } from '../lib/organizations.mjs'
import { unopened } from '../lib/pages.mjs'
import { walk } from '../lib/walk.mjs'

export async function everyPage({ journeys, orgate, browser, callback }) {
  const { places, provider } = await settle({ orgate, callback }, { bare: null, wayne: ordinary })
  const opened = new Set()
  const examineAll = async (place) => {
    const found = await walk(browser, place, async (page, { as, name }) => {
      assert(!place.ids.user || !(await page.locator('.empty').count()), 'there is nothing on it')
      await examineInEveryLook(page, `${place.slug} ${as} ${name}`)
    })
    found.opened.forEach((name) => opened.add(name))
    assert(!found.wrong.length, `\n  ${found.wrong.join('\n  ')}`)
  }
  await Promise.all([
    journeys.run('axe: every page of an organization with no data', () => examineAll(places.bare)),
    journeys.run('axe: every page of an organization with some', () => examineAll(places.wayne)),
  ])
  await journeys.run('every page that is listed was opened', () => {
    const missing = unopened(opened)
    assert(!missing.length, missing.join(', '))
  })
  provider.stop()
}
