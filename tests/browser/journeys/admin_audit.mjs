// An administrator takes along what the log says of somebody, as a file of each form, on a narrow screen.
import { readFileSync } from 'node:fs'
import { fits } from '../lib/axe.mjs'
import { assert, enterNotes, heading, openAdmin, PASSWORD, signIn } from '../lib/harness.mjs'

// What a spreadsheet would work out: as the name of somebody, and as what their browser says it is.
const NAME = '=HYPERLINK("https://elsewhere.test";"Click")'
const BROWSER = '=1+1 (journeys, "quoted")'
const EMAIL = 'formula@acme.test'

const described = `
organizations:
  - slug: acme
    name: Acme Inc
    users: [{ email: ${EMAIL}, name: '${NAME}', password: "${PASSWORD}", roles: [viewer] }]
`

// RFC 4180: lines of cells.
function cellsOf(csv) {
  assert(csv.endsWith('\r\n'), 'the last line does not end')
  const [lines, cell] = [[[]], /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy]
  while (cell.lastIndex < csv.length) {
    const found = cell.exec(csv)
    assert(found, 'it is not RFC 4180')
    lines.at(-1).push(found[1]?.replaceAll('""', '"') ?? found[2])
    if (found[3] !== ',' && cell.lastIndex < csv.length) lines.push([])
  }
  return lines
}

export async function adminAudit({ journeys, orgate, browser }) {
  const narrow = { viewport: { width: 360, height: 740 } }
  const download = async (page, form) => {
    const name = `Export as ${form}`
    const control = page.getByRole('link', { name }).or(page.getByRole('button', { name }))
    const [file] = await Promise.all([page.waitForEvent('download'), control.click()])
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') }
  }

  await journeys.run('an administrator exports what the log says of somebody, as CSV and as JSON Lines: it is what the page shows, and no formula', async () => {
    orgate.apply(described)
    await browser.visit(async (page) => {
      await page.goto(`${orgate.app}/sign-in?organization=acme`)
      await signIn(page, EMAIL, 'not their password')
      await page.getByText('is not right').first().waitFor()
      await enterNotes(page, orgate, 'acme', EMAIL)
    }, { userAgent: BROWSER })

    await browser.visit(async (page) => {
      await openAdmin(page, orgate, '/users', 'Users')
      await page.getByLabel(/find by name/i).fill(EMAIL)
      await page.keyboard.press('Enter')
      await page.getByRole('row', { name: EMAIL }).getByRole('link').click()
      await heading(page, NAME, 1)
      await fits(page)
      const user = new URL(page.url()).pathname.split('/').at(-1)
      await page.getByRole('link', { name: 'What they did' }).click()
      await heading(page, 'Audit log', 1)
      await fits(page)
      const shown = await page.locator('.log > li').evaluateAll((lines) => lines.map((line) => [
        line.querySelector('time').dateTime.slice(0, 19), line.querySelector('.refused') ? 'refused' : 'done',
      ].join(' ')))
      assert(shown.length >= 3 && shown.some((line) => line.endsWith('refused')), `only ${shown.join(', ')}`)

      const csv = await download(page, 'CSV')
      assert(/^audit-acme-\d{4}-\d\d-\d\d\.csv$/.test(csv.name), csv.name)
      const [names, ...lines] = cellsOf(csv.text)
      for (const line of lines) assert(line.length === names.length, `${line.length} cells of ${names.length}`)
      const column = (name) => lines.map((line) => line[names.indexOf(name)])
      const outcomes = column('outcome')
      const told = column('occurred_at').map((at, number) => `${at.slice(0, 19)} ${outcomes[number] === 'success' ? 'done' : 'refused'}`)
      assert(told.join() === shown.join(), `the page has ${shown.join(', ')}, the file ${told.join(', ')}`)
      const working = lines.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell))
      assert(!working.length, `a spreadsheet would work out ${working.join(', ')}`)
      assert(column('user_agent').includes(`'${BROWSER}`), `of no browser: ${column('user_agent').join(', ')}`)

      const json = await download(page, 'JSON Lines')
      assert(/^audit-acme-\d{4}-\d\d-\d\d\.jsonl$/.test(json.name), json.name)
      const events = json.text.trimEnd().split('\n').map((line) => JSON.parse(line))
      assert(events.map(({ id }) => id).join() === column('id').join(), 'the files differ')
      assert(events.every((event) => event.user_id === user || event.actor.id === user), 'of somebody else')
      assert(events.some((event) => event.user_agent === BROWSER), 'what is said is not kept as it was said')
      await openAdmin(page, orgate, '/audit', 'Audit log')
      await page.getByText(/exported/i).first().waitFor()
    }, narrow)
  })
}
