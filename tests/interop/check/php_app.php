<?php
// A receiver as PHP's manual has it: php://input, json_decode, PDO. Reads API_KEY and DATABASE.
// The built-in server hands it every path.

if (($_SERVER['HTTP_AUTHORIZATION'] ?? '') !== 'api_key ' . getenv('API_KEY')) {
    http_response_code(401);
    exit;
}

$event = json_decode(file_get_contents('php://input'), true);
if ($event === null) {
    http_response_code(400);
    exit;
}

$db = new PDO('sqlite:' . getenv('DATABASE'));
$db->exec('CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, type TEXT NOT NULL, rfp_id TEXT, reason TEXT)');
$insert = $db->prepare('INSERT OR IGNORE INTO event (id, type, rfp_id, reason) VALUES (?, ?, ?, ?)');
$insert->execute([$event['eventId'], $event['eventType'], $event['rfpId'] ?? null, $event['reason'] ?? null]);

header('Content-Type: application/json');
echo json_encode(['received' => true]);
