-- A journal as the program wrote it before format 2: two subscriptions, an overridden and a raw notification, a course.
BEGIN TRANSACTION;
CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    due INTEGER NOT NULL,
    started INTEGER NOT NULL,
    deferrals INTEGER NOT NULL,
    ended INTEGER,
    status INTEGER,
    failure TEXT,
    delay INTEGER,
    exchange TEXT,
    response_body BLOB,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempt" VALUES(1,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"238"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(2,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"265"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(3,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"123"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(4,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"123"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":1},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(5,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"238"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":1},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(6,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"240"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":1},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(7,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"245"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(8,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"254"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":1},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(9,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"255"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(10,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"254"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(11,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"253"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(12,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"260"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(13,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"261"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(14,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"310"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(15,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"441"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
INSERT INTO "attempt" VALUES(16,1,1795665647357696618,1795665647357696618,0,1795665647357696618,NULL,'refused',30000000000,'{"request":{"headers":[{"name":"host","value":"127.0.0.1:1"},{"name":"user-agent","value":"pns/0.1.0 (PNS simulator; not Cvent)"},{"name":"accept","value":"*/*"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"254"}]},"response":null,"timings":{"resolve_ms":0,"connect_ms":null,"tls_ms":null,"acknowledge_ms":null,"total_ms":0},"connection":null,"detail":"Connection refused (os error 111)"}',X'');
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    notification INTEGER NOT NULL,
    subscription INTEGER NOT NULL,
    event_type INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    published INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delay INTEGER NOT NULL DEFAULT 0,
    due INTEGER,
    failed INTEGER,
    ended INTEGER,
    abandoned INTEGER
) STRICT;
INSERT INTO "delivery" VALUES(1,1,1,0,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(2,2,1,10,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(3,3,1,0,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(4,3,2,0,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(5,4,1,0,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(6,5,1,19,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(7,6,1,17,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(8,7,1,8,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(9,8,1,16,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(10,9,1,18,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(11,10,1,20,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(12,11,1,21,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(13,12,1,23,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(14,13,1,14,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(15,14,1,29,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(16,15,1,9,0,1795665647357696618,1,30000000000,1795665677357696618,1795665647357696618,NULL,NULL);
INSERT INTO "delivery" VALUES(17,16,1,28,0,1795665647357696618,0,0,1795665647357696618,NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(18,17,1,5,0,1795665647357696618,0,0,1795665647357696618,NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(19,18,1,4,0,1795665647357696618,0,0,1795665647357696618,NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(20,19,1,5,0,1795665647357696618,0,0,1795665647357696618,NULL,NULL,NULL);
CREATE TABLE fault (id INTEGER PRIMARY KEY, spec TEXT NOT NULL, ended INTEGER) STRICT;
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    kept INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('clock','virtual 1795665647357696618 1795665648355431324');
INSERT INTO "meta" VALUES('seed','7');
CREATE TABLE notification (
    id INTEGER PRIMARY KEY,
    event_type INTEGER NOT NULL,
    supplier BLOB,
    published INTEGER NOT NULL,
    stamp INTEGER,
    recipe TEXT,
    raw BLOB,
    unseen INTEGER NOT NULL,
    pruned INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "notification" VALUES(1,0,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648322992653,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(2,10,X'0B8F9A3031E64D3C9F6E0D8F7F8A1A01',1795665647357696618,1795665648331199111,'{"rfpId":"11111111-2222-4333-8444-555555555555","reason":"OTHER"}',NULL,0,0);
INSERT INTO "notification" VALUES(3,0,X'0B8F9A3031E64D3C9F6E0D8F7F8A1A01',1795665647357696618,1795665648340790759,NULL,X'7B227266704964223A2231313131313131312D323232322D343333332D383434342D353535353535353535353535222C226576656E7454797065223A225246505F53454E44222C22737570706C6965724964223A2230623866396133302D333165362D346433632D396636652D306438663766386131613031227D',0,0);
INSERT INTO "notification" VALUES(4,0,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648350713653,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(5,19,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648350782205,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(6,17,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648350809556,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(7,8,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648350833461,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(8,16,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648352959066,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(9,18,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648353018363,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(10,20,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648353043451,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(11,21,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648353067016,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(12,23,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648354127039,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(13,14,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648354177824,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(14,29,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648354218314,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(15,9,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,1795665648354251674,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(16,28,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,NULL,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(17,5,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,NULL,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(18,4,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,NULL,NULL,NULL,0,0);
INSERT INTO "notification" VALUES(19,5,X'93E8D72B224D434880FB48B7B7CB9E0E',1795665647357696618,NULL,NULL,NULL,0,0);
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    latest INTEGER NOT NULL,
    last_subscription INTEGER NOT NULL,
    last_notification INTEGER NOT NULL,
    last_delivery INTEGER NOT NULL,
    last_window INTEGER NOT NULL,
    last_fault INTEGER NOT NULL,
    possible_duplicates INTEGER NOT NULL
) STRICT;
INSERT INTO "progress" VALUES(1,1795665647357696618,2,19,20,0,0,0);
CREATE TABLE subscription (
    id INTEGER PRIMARY KEY,
    settings TEXT NOT NULL,
    limit_set INTEGER NOT NULL,
    last_start INTEGER
) STRICT;
INSERT INTO "subscription" VALUES(1,'{"spec":{"name":"all","endpoint":"https://127.0.0.1:1/pns","events":"all"},"created":1795665647357696618,"after":0,"packs":[[0,"cvent-2016-11"]]}',1795665647357696618,1795665647357696618);
INSERT INTO "subscription" VALUES(2,'{"spec":{"name":"send","endpoint":"https://127.0.0.1:1/pns","events":["RFP_SEND"],"suppliers":["0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01"]},"created":1795665647357696618,"after":0,"packs":[[0,"cvent-2016-11"]]}',1795665647357696618,1795665647357696618);
CREATE TABLE window (
    id INTEGER PRIMARY KEY,
    subscription INTEGER NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    open INTEGER NOT NULL,
    pause INTEGER NOT NULL,
    ended INTEGER
) STRICT;
CREATE INDEX notification_unseen ON notification (published) WHERE unseen = 1;
CREATE INDEX delivery_ended ON delivery (ended);
CREATE INDEX delivery_subscription ON delivery (subscription);
CREATE INDEX delivery_notification ON delivery (notification);
CREATE INDEX window_ended ON window (ended);
CREATE INDEX fault_ended ON fault (ended);
CREATE INDEX idempotency_kept ON idempotency (kept);
COMMIT;
