// Runs one recorded program and says on one line how its start went.
// A program exports an application (Express, Koa, Fastify, Hono), a server or a plain request listener, or it listens
// by itself on the port in PORT.
const port = Number(process.env.PORT);
const host = '127.0.0.1';

function say(startup) {
  process.stdout.write(`startup: ${String(startup).replace(/\n/g, ' ')}\n`);
}

// Once the program is up, an error that nobody caught ends it, as it would anywhere else.
function failed(error) {
  say(`throws ${error && error.name}: ${error && error.message}`);
  process.exit(1);
}
process.on('uncaughtException', failed);
process.on('unhandledRejection', failed);

function up() {
  process.off('uncaughtException', failed);
  process.off('unhandledRejection', failed);
  say('ok');
}

async function serve(app) {
  if (app && typeof app.inject === 'function' && typeof app.ready === 'function') {
    await app.listen({ port, host });
    up();
  } else if (app && typeof app.fetch === 'function' && typeof app.route === 'function') {
    require('@hono/node-server').serve({ fetch: app.fetch, port, hostname: host }, up);
  } else if (app && typeof app.listen === 'function') {
    app.listen(port, host, up);
  } else if (typeof app === 'function') {
    require('node:http').createServer(app).listen(port, host, up);
  } else {
    up();
  }
}

(async () => {
  const module = await import(require('node:url').pathToFileURL(process.argv[2]));
  await serve(module.default);
})().catch(failed);
