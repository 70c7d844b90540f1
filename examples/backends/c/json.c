#include "json.h"

#include <string.h>

/* Docker's create bodies are not nested deeper than some ten levels; the stack of a component is small. */
#define MAX_DEPTH 64

/* The greatest whole number that every language of these examples holds exactly. */
#define MAX_NUMBER 9007199254740991u

/* Each of these takes the place where something should begin, and answers the place behind it, or NULL if it is not
 * there. */

static const char *skip_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

static const char *skip_word(const char *at, const char *end, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(end - at) < length || memcmp(at, word, length) != 0) return NULL;
    return at + length;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at, const char *end) {
    if (at == end || !is_digit(*at)) return NULL;
    while (at < end && is_digit(*at)) at++;
    return at;
}

static const char *skip_number(const char *at, const char *end) {
    if (at < end && *at == '-') at++;
    const char *digits = at;
    at = skip_digits(at, end);
    if (at == NULL || (*digits == '0' && at - digits > 1)) return NULL;
    if (at < end && *at == '.') {
        at = skip_digits(at + 1, end);
        if (at == NULL) return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        at = skip_digits(at, end);
    }
    return at;
}

static const char *skip_string(const char *at, const char *end) {
    if (at == end || *at != '"') return NULL;
    for (at++; at < end; at++) {
        if (*at == '"') return at + 1;
        if ((unsigned char)*at < 0x20) return NULL;
        if (*at != '\\') continue;
        at++;
        if (at == end) return NULL;
        if (*at == 'u') {
            for (int digit = 0; digit < 4; digit++) {
                at++;
                if (at == end || *at == '\0' || strchr("0123456789abcdefABCDEF", *at) == NULL) return NULL;
            }
        } else if (*at == '\0' || strchr("\"\\/bfnrt", *at) == NULL) {
            return NULL;
        }
    }
    return NULL;
}

static const char *skip_value(const char *at, const char *end, int depth);

/* A list or an object. */
static const char *skip_items(const char *at, const char *end, int depth) {
    if (depth == MAX_DEPTH) return NULL;
    bool object = *at == '{';
    char close = object ? '}' : ']';
    at = skip_space(at + 1, end);
    if (at < end && *at == close) return at + 1;
    for (;;) {
        if (object) {
            at = skip_string(skip_space(at, end), end);
            if (at == NULL) return NULL;
            at = skip_space(at, end);
            if (at == end || *at != ':') return NULL;
            at++;
        }
        at = skip_value(skip_space(at, end), end, depth + 1);
        if (at == NULL) return NULL;
        at = skip_space(at, end);
        if (at == end) return NULL;
        if (*at == close) return at + 1;
        if (*at != ',') return NULL;
        at++;
    }
}

static const char *skip_value(const char *at, const char *end, int depth) {
    if (at == end) return NULL;
    switch (*at) {
    case '{':
    case '[': return skip_items(at, end, depth);
    case '"': return skip_string(at, end);
    case 'n': return skip_word(at, end, "null");
    case 't': return skip_word(at, end, "true");
    case 'f': return skip_word(at, end, "false");
    default: return skip_number(at, end);
    }
}

bool json_parse(const char *text, size_t length, struct json *value) {
    const char *end = text + length;
    const char *begin = skip_space(text, end);
    const char *behind = skip_value(begin, end, 0);
    if (behind == NULL || skip_space(behind, end) != end) return false;
    *value = (struct json){begin, (size_t)(behind - begin)};
    return true;
}

bool json_is_object(struct json value) {
    return value.length > 0 && *value.at == '{';
}

bool json_member(struct json object, const char *name, struct json *value) {
    if (!json_is_object(object)) return false;
    const char *end = object.at + object.length;
    bool found = false;
    /* The grammar was checked by json_parse, so everything below is where it should be. */
    const char *at = skip_space(object.at + 1, end);
    while (*at != '}') {
        const char *key = at;
        const char *behind_key = skip_string(key, end);
        const char *begin = skip_space(skip_space(behind_key, end) + 1, end);
        const char *behind = skip_value(begin, end, 0);
        /* A name that is written with escapes is not found; Docker's clients write none so. Of two members of one name the
         * last counts, as in other languages. */
        size_t length = (size_t)(behind_key - key) - 2;
        if (length == strlen(name) && memcmp(key + 1, name, length) == 0) {
            *value = (struct json){begin, (size_t)(behind - begin)};
            found = true;
        }
        at = skip_space(behind, end);
        if (*at == ',') at = skip_space(at + 1, end);
    }
    return found;
}

bool json_is_empty(struct json value) {
    const char *at = value.at, *end = value.at + value.length;
    switch (*at) {
    case 'n':
    case 'f': return true;
    case 't': return false;
    case '"': return value.length == 2;
    case '{':
    case '[': return skip_space(at + 1, end) == end - 1;
    default:
        /* A number is 0 if no digit before its exponent is another one. */
        for (; at < end && *at != 'e' && *at != 'E'; at++) {
            if (*at >= '1' && *at <= '9') return false;
        }
        return true;
    }
}

bool json_number(struct json value, uint64_t *number) {
    uint64_t sum = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (!is_digit(value.at[i])) return false;
        sum = sum * 10 + (uint64_t)(value.at[i] - '0');
        if (sum > MAX_NUMBER) return false;
    }
    *number = sum;
    return true;
}
