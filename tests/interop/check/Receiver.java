// A receiver on the server of the JDK, `com.sun.net.httpserver`, with Gson. Reads PORT and API_KEY.

import com.google.gson.Gson;
import com.google.gson.JsonSyntaxException;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

public class Receiver {
    enum Reason {
        BOOKED_ANOTHER_VENUE_OR_DESTINATION, EVENT_CANCELLED, EVENT_POSTPONED, REQUIREMENTS_CHANGED, OTHER
    }

    static class Notification {
        UUID eventId;
        String eventType;
        UUID rfpId;
        UUID supplierId;
        Reason reason;
        List<UUID> attachmentIds;
    }

    private static final Gson GSON = new Gson();
    private static final Map<UUID, Notification> EVENTS = new ConcurrentHashMap<>();

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/pns", Receiver::receive);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
    }

    private static void receive(HttpExchange exchange) throws IOException {
        if (!exchange.getRequestMethod().equals("POST")) {
            answer(exchange, 405, "{\"error\":\"POST only\"}");
            return;
        }
        String key = exchange.getRequestHeaders().getFirst("Authorization");
        if (!("api_key " + System.getenv("API_KEY")).equals(key)) {
            answer(exchange, 401, "{\"error\":\"wrong key\"}");
            return;
        }
        try {
            InputStreamReader reader = new InputStreamReader(exchange.getRequestBody(), StandardCharsets.UTF_8);
            Notification notification = GSON.fromJson(reader, Notification.class);
            EVENTS.put(notification.eventId, notification);
            answer(exchange, 200, "{\"received\":true}");
        } catch (JsonSyntaxException e) {
            answer(exchange, 400, "{\"error\":\"not JSON\"}");
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
