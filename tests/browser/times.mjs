// How long the server takes for each page of an organization with very much in it: `cargo xtask page-times`. Each is asked for
// several times, one after the other, with nothing else to do; the way there and back is in it.
import { fileURLToPath } from 'node:url'
import { ask } from './lib/database.mjs'
import { startBrowser, startCallback, startOrgate } from './lib/harness.mjs'
import { crowd, ordinary, settle } from './lib/organizations.mjs'
import { walk } from './lib/walk.mjs'

const isLong = process.argv.includes('--long')
const [USERS, EVENTS] = isLong ? [100_000, 1_000_000] : [2_000, 20_000]
const TIMES = 20
// Milliseconds that a page takes at most, half of the times.
const MOST = 100
// What is looked for in a list, which costs more than the list.
const QUERIES = {
  '/admin/{organization}/users': ['search=person+1', 'search=p+pe+per', 'search=1+2', 'search=nobody', 'show=inactive', 'show=deactivated'],
  '/admin/{organization}/audit': ['kind=failed-sign-ins', 'kind=settings', 'from=2026-01-01'],
}

const spell = (number) => number.toLocaleString('en')
const measured = []

async function measure(page, { name, as }) {
  const at = page.url()
  for (const query of ['', ...(as === 'administrator' && QUERIES[name] || [])]) {
    const url = query ? `${at}?${query}` : at
    const took = []
    for (let time = 0; time <= TIMES; time++) {
      const began = performance.now()
      const answer = await page.request.get(url)
      await answer.body()
      if (time) took.push(performance.now() - began) // the first one fills what is cached
      if (!answer.ok()) throw new Error(`${url}: ${answer.status()}`)
    }
    took.sort((one, other) => one - other)
    measured.push({ name: query ? `${name}?${query}` : name, median: took[TIMES / 2], most: took.at(-1) })
  }
}

// As if all of it had happened this month: mostly tokens, some sign-ins, few that failed.
const happened = (organization) => `
  insert into audit_events (org_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, user_id, detail)
  select organization.org_id, gen_random_uuid(),
         now() - (n::double precision / ${EVENTS}) * (now() - date_trunc('month', now()) - interval '1 second'),
         case when n % 20 = 0 then 'sign_in.failed' when n % 4 = 0 then 'sign_in.succeeded' else 'token.refreshed' end,
         case when n % 20 = 0 then 'refused' else 'success' end, case when n % 20 = 0 then 'wrong_password' end,
         'user', member.id::text, member.id, case when n % 4 = 0 then '{"method": "password"}' else '{}' end::jsonb
  from organizations organization, generate_series(1, ${EVENTS}) n
  join lateral (select array_agg(id) as ids from users where org_id = '${organization}') everybody on true
  cross join lateral (select everybody.ids[1 + n % array_length(everybody.ids, 1)] as id) member
  where organization.org_id = '${organization}'`

const callback = await startCallback()
let orgate, browser, provider
let wrong = []
try {
  const seed = fileURLToPath(new URL('seed.yaml', import.meta.url))
  orgate = await startOrgate(seed, { RP_SECRET: 'relying-party-secret-with-enough-entropy', RP_URL: callback.origin, ORGATE__LIMITS__PAGES_PER_MINUTE: '100000', ORGATE__LIMITS__API_PER_MINUTE: '100000' })
  browser = await startBrowser()
  const settled = await settle({ orgate, callback }, { many: ordinary })
  provider = settled.provider
  const { many } = settled.places
  console.log(`making ${spell(USERS)} users and ${spell(EVENTS)} events`)
  crowd(many, USERS)
  const organization = await ask(orgate.socket(), `select org_id from organizations where slug = '${many.slug}'`)
  await ask(orgate.socket(), happened(organization))
  await ask(orgate.socket(), 'analyze')
  console.log('waiting until they are put in order and counted')
  const waiting = 'select count(*) from audit_events event where not exists (select from event_positions given where given.org_id = event.org_id and given.occurred_at = event.occurred_at and given.audit_event = event.id)'
  const counted = 'select (select place from sign_in_tally) < (select max(place) from event_positions)'
  const until = Date.now() + EVENTS * 2 + 60_000
  while (await ask(orgate.socket(), waiting) !== '0' || await ask(orgate.socket(), counted) === 't') {
    if (Date.now() > until) throw new Error(`not in order: ${await ask(orgate.socket(), waiting)} events; not counted: ${await ask(orgate.socket(), counted)}`)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
  }
  ;({ wrong } = await walk(browser, many, measure, { again: false, beside: false }))
} catch (error) {
  wrong.push(error.stack)
} finally {
  provider?.stop()
  await browser?.close()
  await orgate?.stop()
  callback.close()
}
measured.sort((one, other) => other.median - one.median)
console.log(`${'median'.padStart(8)} ${'longest'.padStart(9)}  page`)
for (const { name, median, most } of measured) console.log(`${median.toFixed(1).padStart(5)} ms ${most.toFixed(1).padStart(6)} ms  ${name}`)
for (const what of wrong) console.log(`FAIL ${what}`)
const slow = measured.filter(({ median }) => median > MOST)
console.log(`${measured.length} pages of ${spell(USERS)} users and ${spell(EVENTS)} events; ${slow.length} take longer than ${MOST} ms, ${wrong.length} could not be opened`)
process.exitCode = slow.length || wrong.length || !measured.length ? 1 : 0
