// Mints a session cookie with better-auth as a storefront does, or reads one back. On standard
// input: {"do": "mint" or "read", secret, baseURL, fields or cookie}.
import { betterAuth } from "better-auth";
import { createAuthEndpoint } from "better-auth/api";
import { setSessionCookie, getCookieCache } from "better-auth/cookies";

const input = JSON.parse(await new Response(process.stdin).text());
const field = { type: "string", required: false, input: false };
const auth = (baseURL) => betterAuth({
  secret: input.secret, baseURL, basePath: "/api/ep",
  logger: { disabled: true },
  session: { cookieCache: { enabled: true, strategy: "jwe", maxAge: 604800 }, additionalFields: { epCartId: field, epAccessToken: field, padding: field } },
  plugins: [{ id: "mint", endpoints: { mint: createAuthEndpoint("/mint", { method: "POST" }, async (ctx) => {
    const now = new Date();
    const user = { id: "u1", email: "guest@anonymous.local", name: "", emailVerified: false, createdAt: now, updatedAt: now };
    const session = { id: "s1", userId: "u1", token: "t".repeat(32), expiresAt: new Date(+now + 6048e5), createdAt: now, updatedAt: now, ipAddress: "", userAgent: "", ...input.fields };
    await setSessionCookie(ctx, { session, user });
    return ctx.json({ ok: true });
  }) } }],
});
if (input.do === "mint") {
  const response = await auth(input.baseURL).handler(new Request(input.baseURL + "/api/ep/mint", { method: "POST", headers: { origin: input.baseURL } }));
  if (!response.ok) throw new Error(await response.text());
  console.log(JSON.stringify(response.headers.getSetCookie()));
} else {
  const headers = new Headers({ cookie: input.cookie });
  const secure = input.baseURL.startsWith("https:");
  const cache = await getCookieCache(headers, { secret: input.secret, isSecure: secure, strategy: "jwe" });
  const whole = await auth(input.baseURL).api.getSession({ headers });
  console.log(JSON.stringify({ cache, session: whole && whole.session }));
}
