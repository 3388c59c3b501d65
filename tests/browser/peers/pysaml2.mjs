// pysaml2 as an organization's identity provider: `pysaml2_idp.py`, with a directory of its own that goes when it
// stops.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withKeys } from '../lib/keys.mjs'
import { hasPython, startPython } from '../lib/python.mjs'

export const isInstalled = () => existsSync('/usr/bin/xmlsec1') && hasPython('saml2')

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
  const remove = () => rmSync(directory, { recursive: true, force: true })
  try {
    const end = await startPython('pysaml2_idp.py', [port, directory], entityId)
    return { stop: () => (end(), remove()), tell }
  } catch (error) {
    remove()
    throw error
  }
}
