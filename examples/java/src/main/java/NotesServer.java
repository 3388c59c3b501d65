import static java.nio.charset.StandardCharsets.UTF_8;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.text.ParseException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;

/** A resource server behind Orgate: GET /orgs/{org}/notes, for tokens of {org} alone. */
public final class NotesServer {
    private static final String ISSUER = System.getenv().getOrDefault("ORGATE_ISSUER", "http://localhost:8080");
    private static final String AUDIENCE = System.getenv().getOrDefault("ORGATE_AUDIENCE", "notes");

    /** An answer other than 200: a status, and the challenge that RFC 6750 §3 asks for, or null. */
    private static final class Refusal extends Exception {
        final int status;
        final String challenge;

        Refusal(int status, String challenge) {
            this.status = status;
            this.challenge = challenge;
        }
    }

    private final DefaultJWTProcessor<SecurityContext> tokens = new DefaultJWTProcessor<>();

    private NotesServer(URI keys) throws IOException {
        // Keys are kept five minutes, fetched again for one that is not known, and used with their own `alg` only.
        var source = JWKSourceBuilder.<SecurityContext>create(keys.toURL()).retrying(true).build();
        // EdDSA takes a verifier of its own in this library: register the client with one of these.
        var algorithms = Set.of(JWSAlgorithm.ES256, JWSAlgorithm.RS256, JWSAlgorithm.PS256);
        var required = Set.of("sub", "client_id", "exp", "iat", "jti", "org_id", "org_name");
        // Refused: tokens bound to a key of the client's (`cnf`), whose proof is not checked here (RFC 9449 §7.2).
        var issuer = new JWTClaimsSet.Builder().issuer(ISSUER).build();
        var claims = new DefaultJWTClaimsVerifier<SecurityContext>(Set.of(AUDIENCE), issuer, required, Set.of("cnf"));
        claims.setMaxClockSkew(30);
        tokens.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
        tokens.setJWSKeySelector(new JWSVerificationKeySelector<>(algorithms, source));
        tokens.setJWTClaimsSetVerifier(claims);
    }

    private JWTClaimsSet authenticate(String authorization) throws Refusal {
        var parts = authorization == null ? new String[0] : authorization.split(" ", 2);
        if (parts.length != 2 || !parts[0].equalsIgnoreCase("Bearer")) throw new Refusal(401, "Bearer");
        try {
            return tokens.process(parts[1], null);
        } catch (ParseException | BadJOSEException error) {
            throw new Refusal(401, "Bearer error=\"invalid_token\"");
        } catch (JOSEException error) {
            throw new Refusal(503, null); // no keys
        }
    }

    private Map<String, Object> listNotes(String authorization, String organization) throws Refusal, ParseException {
        var claims = authenticate(authorization);
        // What begins like an id is compared with the id alone, or a slug could pose as one.
        var isId = organization.regionMatches(true, 0, "org_", 0, 4);
        if (!organization.equals(claims.getStringClaim(isId ? "org_id" : "org_name"))) throw new Refusal(403, null);
        var permissions = claims.getStringListClaim("permissions");
        var may = permissions != null && permissions.contains("notes:read");
        if (!may) throw new Refusal(403, "Bearer error=\"insufficient_scope\"");
        // Query by `org_id` of the token, never by what the request says. Without `sid`, a machine asks.
        return Map.of("org_id", claims.getStringClaim("org_id"), "sub", claims.getSubject(), "notes", List.of());
    }

    private void handle(HttpExchange exchange) throws IOException {
        var status = 200;
        var body = Map.<String, Object>of();
        try (exchange) {
            try {
                var path = exchange.getRequestURI().getPath().split("/", -1); // "", "orgs", the organization, "notes"
                var isNotes = path.length == 4 && path[3].equals("notes");
                if (!isNotes || !exchange.getRequestMethod().equals("GET")) throw new Refusal(404, null);
                body = listNotes(exchange.getRequestHeaders().getFirst("Authorization"), path[2]);
            } catch (Refusal refusal) {
                status = refusal.status;
                if (refusal.challenge != null) exchange.getResponseHeaders().set("WWW-Authenticate", refusal.challenge);
            } catch (ParseException claimOfAnotherType) {
                status = 401;
            }
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            var bytes = JSONObjectUtils.toJSONString(body).getBytes(UTF_8);
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(ISSUER + "/.well-known/openid-configuration")).build();
        var document = JSONObjectUtils.parse(HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body());
        if (!ISSUER.equals(document.get("issuer"))) throw new IllegalStateException("it calls itself otherwise");
        var notes = new NotesServer(URI.create((String) document.get("jwks_uri")));
        var port = Integer.parseInt(System.getenv().getOrDefault("PORT", "3000"));
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/orgs/", notes::handle);
        server.start();
        System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort());
    }
}
