// npm run mock: the mock server by itself, for `npm run dev` (port 8099) and for looking at dist.
import { startMock } from './server.mjs';

const mock = await startMock({ port: Number(process.env.PORT ?? 8099), scene: process.env.SCENE ?? 'empty', ring: 2_500 });
console.log(`mock on ${mock.url}desk/ (paola / filo; elena / filo is the supervisor)`);
console.log(`scenes: curl -X POST ${mock.url}mock/scene -d '{"scene":"offer"}'`);
