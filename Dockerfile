# Parley with its page and ffmpeg. There is no build of the server: Node.js runs the TypeScript sources as they are.
#
#   docker build -t parley .
#   docker run -e AUTH_SECRET=… -e DATABASE_URL=… -e MEDIA_ANNOUNCED_ADDRESS=… -v parley:/data -p 3000:3000 -p 44000-44003:44000-44003/udp parley
#
# compose.yaml shows every setting that a container needs.
FROM node:24-bookworm-slim

# Where the mediasoup worker lies: outside the sources, readable by everybody.
ENV XDG_CACHE_HOME=/opt/cache
WORKDIR /app

# npm packages, the worker and ffmpeg change seldom; they are a layer of their own. The set-up fetches the finished worker, and where that can't be
# had installs a compiler and builds it.
COPY package.json package-lock.json .npmrc ./
COPY scripts scripts
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tini \
 && node scripts/setup.mjs \
 && npm cache clean --force \
 && rm -rf /var/lib/apt/lists/*

# The rest of the set-up: the page.
COPY . .
RUN node scripts/setup.mjs

ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATA_DIR=/data
RUN install -d -o node -g node /data
VOLUME /data
USER node

# REST, socket and page; then one UDP and one TCP port a media worker, counting up from MEDIA_BASE_PORT.
EXPOSE 3000
EXPOSE 44000-44003/udp
EXPOSE 44000-44003/tcp

HEALTHCHECK --interval=15s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]

# tini reaps what ffmpeg and the workers leave behind, and passes `docker stop` on; the server then needs up to 10 s.
ENTRYPOINT ["tini", "--"]
CMD ["node", "scripts/setup.mjs", "start"]
