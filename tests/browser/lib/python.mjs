// Programs in Python that serve pages. `PYTHON_PACKAGES` is where pip put what they import.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const hasPython = (name) => existsSync(join(process.env.PYTHON_PACKAGES ?? '', name))

// Starts `peers/<name>`, and waits until it answers at `url`.
export async function startPython(name, options, url) {
  const env = { ...process.env, PYTHONPATH: process.env.PYTHON_PACKAGES }
  const program = fileURLToPath(new URL(`../peers/${name}`, import.meta.url))
  const child = spawn('python3', [program, ...options.map(String)], { env, stdio: process.env.DEBUG ? 'inherit' : 'ignore' })
  for (let tries = 0; tries < 150 && child.exitCode === null; tries++) {
    if (await fetch(url).catch(() => null)) return () => child.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  child.kill('SIGTERM')
  throw new Error(`${name} did not start`)
}
