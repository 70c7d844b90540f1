/* As much of JSON as a backend needs: look up a member, ask whether a value is empty, read a number.
 *
 * Nothing is copied and nothing is allocated: a value points into the text that it was found in. */

#ifndef MEMORY_JSON_H
#define MEMORY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value inside a text. */
struct json {
    const char *at;
    size_t length;
};

/* The value that a whole text is. False if the text is not JSON. */
bool json_parse(const char *text, size_t length, struct json *value);

bool json_is_object(struct json value);

/* The member of an object. False if there is none of this name, or the value is no object. */
bool json_member(struct json object, const char *name, struct json *value);

/* Docker's clients send every field; one that nobody has set is null, false, 0, or an empty text, list or object. */
bool json_is_empty(struct json value);

/* A whole number that is not negative and that JavaScript could hold, too. False for every other value. */
bool json_number(struct json value, uint64_t *number);

#endif
