export async function payloads() {}
