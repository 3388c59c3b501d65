// As much of a client of PostgreSQL as a statement takes: over a socket in this directory, as a user who is trusted.
import net from 'node:net'
import { join } from 'node:path'

const message = (kind, body) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(kind), length, body])
}

// What a statement says, in one transaction: the first column of the last row, as text.
export function ask(directory, sql) {
  const socket = net.connect(join(directory, '.s.PGSQL.5432'))
  const [begin, statement] = [Buffer.from('\0\x03\0\0user\0postgres\0database\0postgres\0\0'), Buffer.from(`${sql}\0`)]
  let [received, isAsked, answer, failure] = [Buffer.alloc(0), false, null, null]
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(failure ?? new Error('the database has hung up')))
    socket.on('data', (data) => {
      received = Buffer.concat([received, data])
      while (received.length >= 5 && received.length > received.readUInt32BE(1)) {
        const [kind, end] = [String.fromCharCode(received[0]), received.readUInt32BE(1) + 1]
        const body = received.subarray(5, end)
        received = received.subarray(end)
        if (kind === 'D') answer = body.subarray(6, 6 + body.readInt32BE(2)).toString()
        if (kind === 'R' && body.readInt32BE(0)) reject(new Error('the database wants a password'))
        if (kind === 'E') failure = new Error(body.toString().replaceAll('\0', ' '))
        if (kind === 'Z' && isAsked) failure ? reject(failure) : resolve(answer)
        if (kind === 'Z' && !isAsked) isAsked = socket.write(message('Q', statement)) || true
      }
    })
    socket.write(message('', begin))
  }).finally(() => socket.destroy())
}
