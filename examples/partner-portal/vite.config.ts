import { defineConfig } from "vite";

// The address that the app is registered with: the product lets pages of no other origin ask it.
const address = { host: "127.0.0.1", port: 5173, strictPort: true };

export default defineConfig({ server: address, preview: address });
