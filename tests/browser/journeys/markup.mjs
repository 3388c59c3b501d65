// Every page that any journey was sent, also those that forms lead to, is HTML as the Nu HTML checker has it. It comes last.
import { assert } from '../lib/harness.mjs'
import { hasJava } from '../lib/markup.mjs'

export async function markup({ journeys, kept }) {
  if (!hasJava()) return journeys.skip('there is no Java for the Nu HTML checker')
  await journeys.run(`Nu: ${kept.pages.length} pages without an error`, () => {
    assert(kept.pages.length, 'no page was kept')
    const wrong = kept.check()
    assert(!wrong.length, `${wrong.length} errors\n  ${wrong.join('\n  ')}`)
  })
}
