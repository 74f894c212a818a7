import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  // amazon-cognito-identity-js expects Node's global object.
  define: { global: "globalThis" },
  build: { target: "es2022", chunkSizeWarningLimit: 1500 },
});
