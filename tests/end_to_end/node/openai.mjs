// A completion in one piece, then one streamed: a line of output for each event, as it arrives.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.TOKEN, maxRetries: 0 });
const messages = [{ role: "user", content: "What is six times nine?" }];

const models = await client.models.list();
console.log(models.data[0].id);
const whole = await client.chat.completions.create({ model: "small", messages });
console.log(whole.choices[0].message.content);
const stream = await client.chat.completions.create({ model: "small", messages, stream: true });
for await (const event of stream) {
  console.log(event.choices[0].delta.content);
}
console.log("done");
