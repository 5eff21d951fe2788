// Bodies of requests, whole.

export async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

export const formOf = async (request) => new URLSearchParams(await bodyOf(request));
export const jsonOf = async (request) => JSON.parse((await bodyOf(request)) || "{}");
