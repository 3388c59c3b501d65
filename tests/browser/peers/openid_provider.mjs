// The certified oidc-provider as an organization's identity provider: one client, and users whose claims a journey
// can change while it runs, and paths that it can make unavailable. Its keys are its own, or those that it is given.
import Provider from 'oidc-provider'

const page = (title, body) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><main><h1>${title}</h1>${body}</main></html>`

const signInForm = (hint) =>
  page('Foreign sign-in', `<form method="post"><label>User <input name="user" value="${hint.replace(/[&<>"]/g, '')}"></label>
    <button>Sign in</button> <button name="cancel" value="yes">Cancel</button></form>`)

// `users`: claims by user name, `sub` among them. `said.declined` is what it says of whoever cancels.
export async function startOpenIdProvider({ port, client, users, keys, said = { declined: 'the person did not want to' } }) {
  const provider = new Provider(`http://localhost:${port}`, {
    clients: [{ response_types: ['code'], grant_types: ['authorization_code'], ...client }],
    cookies: { keys: ['only-for-these-journeys'] },
    ...(keys && { jwks: { keys } }),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    findAccount: (_, sub) => {
      const found = Object.values(users).find((claims) => claims.sub === sub)
      return found && { accountId: sub, claims: () => ({ ...found }) }
    },
    // Its own refuses loopback, where everything is here.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  })
  const down = new Set()
  provider.use(async (ctx, next) => {
    if (down.has(ctx.path)) return (ctx.status = 503)
    if (!ctx.path.startsWith('/interaction/')) return next()
    const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res)
    const finish = (result) => {
      ctx.respond = false
      return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: prompt.name !== 'login' })
    }
    if (prompt.name === 'login' && ctx.method !== 'POST') {
      ctx.type = 'html'
      ctx.body = signInForm(params.login_hint ?? '')
    } else if (prompt.name === 'login') {
      let body = ''
      for await (const chunk of ctx.req) body += chunk
      const form = new URLSearchParams(body)
      if (form.get('cancel')) return finish({ error: 'access_denied', error_description: said.declined })
      await finish({ login: { accountId: users[form.get('user')].sub } })
    } else {
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
      grant.addOIDCScope('openid email profile')
      await finish({ consent: { grantId: await grant.save() } })
    }
  })
  if (process.env.DEBUG) {
    for (const event of ['backchannel.success', 'backchannel.error', 'server_error']) {
      provider.on(event, (...about) => console.log(event, about.find((item) => item instanceof Error) ?? ''))
    }
  }
  const server = provider.listen(port, 'localhost')
  await new Promise((resolve) => server.on('listening', resolve))
  return { issuer: `http://localhost:${port}`, down, stop: () => (server.closeAllConnections(), server.close()) }
}
