// pysaml2 as an organization's identity provider: `pysaml2_idp.py`, with a directory of its own that goes when it
// stops. `PYSAML2` is where pip put it.
import { spawn } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withKeys } from '../lib/keys.mjs'

export const isInstalled = () => existsSync('/usr/bin/xmlsec1') && existsSync(process.env.PYSAML2 ?? '')

// Makes its key; what has to be said of it is known before it runs.
export function prepare(port) {
  const base = `http://localhost:${port}`
  return {
    ...withKeys('pysaml2'),
    port,
    entityId: `${base}/metadata`,
    ssoUrl: `${base}/sso`,
    sloUrl: `${base}/slo`,
    signOutUrl: `${base}/sign-out`,
  }
}

// `users`: attributes by user name; `tell` changes them.
export async function startPysaml2({ directory, port, entityId }, { users, metadata }) {
  writeFileSync(join(directory, 'sp.xml'), metadata)
  const tell = (users) => writeFileSync(join(directory, 'users.json'), JSON.stringify(users))
  tell(users)
  const env = { ...process.env, PYTHONPATH: process.env.PYSAML2 }
  const program = fileURLToPath(new URL('pysaml2_idp.py', import.meta.url))
  const child = spawn('python3', [program, String(port), directory], { env, stdio: process.env.DEBUG ? 'inherit' : 'ignore' })
  const stop = () => {
    child.kill('SIGTERM')
    rmSync(directory, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    if ((await fetch(entityId).catch(() => null))?.ok) return { stop, tell }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  stop()
  throw new Error('pysaml2 did not start')
}
