// The pages that browsers were sent, and what the Nu HTML checker says of them: one Java for all.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const JAR = createRequire(import.meta.url).resolve('vnu-jar/build/dist/vnu.jar')

// Of one address and title, so many: they differ by what is in them.
const ALIKE = 3

export const hasJava = () => spawnSync('java', ['-version']).status === 0

export class Kept {
  pages = []
  #alike = new Map()

  // Pages of this server count, and no others.
  of(origin) {
    return (request, html) => {
      const url = new URL(request.url())
      if (url.origin !== origin()) return
      const path = url.pathname.replaceAll(/[a-z]{3}_[0-9a-z]{20,}/g, '…')
      const title = html.match(/<title>([^<]*)/)?.[1].split(' · ')[0] ?? ''
      const name = `${request.method()} ${path} “${title}”`
      const count = this.#alike.get(name) ?? 0
      this.#alike.set(name, count + 1)
      if (count < ALIKE) this.pages.push({ name, html })
    }
  }

  // What is wrong, a line each.
  check() {
    const directory = mkdtempSync(join(tmpdir(), 'orgate-markup-'))
    try {
      this.pages.forEach(({ html }, number) => writeFileSync(join(directory, `${number}.html`), html))
      const options = ['-Xmx512m', '-Dfile.encoding=UTF-8', '-jar', JAR, '--format', 'json', '--stdout', '--exit-zero-always', directory]
      const { status, stdout, stderr } = spawnSync('java', options, { encoding: 'utf8', maxBuffer: 1 << 26 })
      if (status !== 0) throw new Error(`the checker failed: ${stderr}`)
      const wrong = JSON.parse(stdout).messages.filter(({ type }) => type === 'error' || type === 'non-document-error')
      return wrong.map(({ url, lastLine, message, extract }) => {
        const page = this.pages[Number.parseInt(basename(url ?? ''))]?.name ?? url
        return `${page}, line ${lastLine}: ${message} ${extract?.replaceAll(/\s+/g, ' ') ?? ''}`
      })
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
