-- One row is a day of a destination, an event and a source, which together are the
-- key. Counts, not shares: all but the delays add up. It reads the deliveries
-- themselves: name a day. What was sent is known while personal data is kept; of
-- older deliveries those columns count nothing.
CREATE VIEW v_match_quality AS
SELECT
    s.day, -- the day of the conversions, in the reporting time zone
    s.destination_id, -- who is told
    s.event_name, -- of which event
    s.source_id, -- where the traffic was bought
    count(DISTINCT s.conversion_id) AS conversions, -- conversions
    {{whole "sum(s.owed)"}} AS owed, -- deliveries that are to reach the platform
    {{whole "sum(s.sent)"}} AS sent, -- those that did
    {{whole "sum(coalesce(s.sent_click_id, 0))"}} AS n_click_id, -- of those sent, with the platform's click ID
    {{whole "sum(coalesce(s.sent_fbp, 0))"}} AS n_fbp, -- of those sent, with Meta's browser cookie
    {{whole "sum(coalesce(s.sent_ip, 0))"}} AS n_ip, -- of those sent, with an address
    {{whole "sum(coalesce(CASE WHEN s.ip_family = 6 THEN s.sent_ip END, 0))"}} AS n_ipv6, -- of those sent, with an IPv6 address
    {{whole "sum(coalesce(s.sent_ua, 0))"}} AS n_ua, -- of those sent, with a user agent
    {{whole "sum(coalesce(s.sent_email, 0))"}} AS n_email, -- of those sent, with an e-mail address, hashed
    {{whole "sum(coalesce(s.sent_phone, 0))"}} AS n_phone, -- of those sent, with a phone number, hashed
    {{whole "sum(coalesce(s.sent_user_id, 0))"}} AS n_user_id, -- of those sent, with a user ID of ours
    {{whole "sum(CASE WHEN s.sent = 1 AND s.consent = 'granted' THEN 1 ELSE 0 END)"}} AS n_consent_granted, -- of those sent, of visitors who agreed
    {{whole "sum(CASE WHEN s.sent = 1 AND s.consent = 'denied' THEN 1 ELSE 0 END)"}} AS n_consent_denied, -- who did not
    {{whole "sum(CASE WHEN s.sent = 1 AND s.consent NOT IN ('granted', 'denied') THEN 1 ELSE 0 END)"}} AS n_consent_unknown, -- who were not asked, or said nothing
    {{whole "sum(CASE WHEN s.sent = 1 AND s.match_method = 'direct' THEN 1 ELSE 0 END)"}} AS n_estimated_click_time, -- of those sent, whose click nobody saw, so that its time is guessed
    {{whole "sum(CASE WHEN s.sent = 1 AND s.since_conversion > 3600000 THEN 1 ELSE 0 END)"}} AS n_late_1h, -- of those sent, more than an hour after the conversion
    max(CASE WHEN s.place = (s.told + 1) / 2 THEN s.delay END) AS p50_delay_s, -- seconds from postback to platform: half took no longer
    max(CASE WHEN s.place = (s.told * 95 + 99) / 100 THEN s.delay END) AS p95_delay_s, -- 95 of 100 took no longer
    {{whole "sum(CASE WHEN s.status = 'dead' AND s.last_code = 'unsendable' THEN 1 ELSE 0 END)"}} AS n_skipped_no_key, -- given up before a request: nothing was known to match by
    {{whole "sum(CASE WHEN s.status = 'dead' AND s.last_code <> 'unsendable' THEN 1 ELSE 0 END)"}} AS n_rejected -- given up for any other reason, the platform's answer above all
FROM (
    SELECT v.conversion_day AS day, d.destination_id, d.event_name, v.source_id, d.conversion_id, d.status, d.last_code, v.match_method,
        k.sent_click_id, k.sent_fbp, k.sent_ip, k.sent_ua, k.sent_email, k.sent_phone, k.sent_user_id, k.ip_family, k.consent,
        CASE WHEN d.status IN ('skipped', 'dry_run', 'tested') THEN 0 ELSE 1 END AS owed,
        CASE WHEN d.delivered_at > 0 AND d.status = 'delivered' THEN 1 ELSE 0 END AS sent,
        d.delivered_at - v.converted_at AS since_conversion,
        (d.delivered_at - v.received_at) / 1000 AS delay,
        CASE WHEN d.status = 'delivered' THEN row_number() OVER (PARTITION BY v.conversion_day, d.destination_id, d.event_name, v.source_id
            ORDER BY CASE WHEN d.status = 'delivered' THEN 0 ELSE 1 END, d.delivered_at - v.received_at, d.delivery_id) END AS place,
        sum(CASE WHEN d.status = 'delivered' THEN 1 ELSE 0 END) OVER (PARTITION BY v.conversion_day, d.destination_id, d.event_name, v.source_id) AS told
    FROM conversions v
    JOIN deliveries d ON d.conversion_id = v.conversion_id
    JOIN v_deliveries k ON k.delivery_id = d.delivery_id
    WHERE v.is_test = 0
) s
GROUP BY s.day, s.destination_id, s.event_name, s.source_id
