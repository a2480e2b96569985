-- The tables of the demo, for MySQL 8 and later and for MariaDB.
CREATE DATABASE IF NOT EXISTS twitter CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS twitter.users (
    id              BIGINT UNSIGNED NOT NULL,
    screen_name     VARCHAR(64)     NOT NULL,
    name            VARCHAR(255)    NOT NULL,
    password        VARCHAR(128)    NOT NULL,
    role            VARCHAR(32)     NOT NULL,
    description     TEXT            NULL,
    location        VARCHAR(255)    NULL,
    lang            VARCHAR(16)     NULL,
    followers_count INT UNSIGNED    NOT NULL,
    friends_count   INT UNSIGNED    NOT NULL,
    statuses_count  INT UNSIGNED    NOT NULL,
    verified        TINYINT(1)      NOT NULL,
    created_at      DATETIME(6)     NOT NULL,
    updated_at      DATETIME(6)     NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY users_screen_name (screen_name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS twitter.tweets (
    id                      BIGINT UNSIGNED NOT NULL,
    user_id                 BIGINT UNSIGNED NOT NULL,
    text                    TEXT            NOT NULL,
    source                  VARCHAR(255)    NULL,
    lang                    VARCHAR(16)     NULL,
    in_reply_to_status_id   BIGINT UNSIGNED NULL,
    in_reply_to_user_id     BIGINT UNSIGNED NULL,
    in_reply_to_screen_name VARCHAR(64)     NULL,
    retweet_count           INT UNSIGNED    NULL,
    retweeted               TINYINT(1)      NOT NULL,
    favorited               TINYINT(1)      NOT NULL,
    truncated               TINYINT(1)      NOT NULL,
    entities                JSON            NULL,
    place                   JSON            NULL,
    created_at              DATETIME(6)     NOT NULL,
    updated_at              DATETIME(6)     NOT NULL,
    PRIMARY KEY (id),
    KEY tweets_user (user_id),
    CONSTRAINT tweets_user FOREIGN KEY (user_id) REFERENCES twitter.users (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
