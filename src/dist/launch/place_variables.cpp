#include "dist/launch/place_variables.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/number.h"

#include <limits>

namespace onecycle {

namespace {

// Below the ports that Linux gives out itself.
constexpr std::uint16_t kFirstPort = 20000;
constexpr std::uint64_t kPorts = 10000;

// FNV-1a.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char letter : text)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
  return hash;
}

void check_below(const NamedNumber& number, const NamedNumber& limit) {
  if (number.value < limit.value) return;
  throw UsageError(
      format("{}, but {}: ranks count from 0 to {}; unset what does not belong to this run",
             text_of(number), text_of(limit), limit.value - 1));
}

}  // namespace

std::string text_of(const NamedNumber& number) {
  return format("{} is {}", number.name, number.value);
}

std::optional<std::string> text_in(const Variables& variable,
                                   std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto value = variable(name);
    if (value && !value->empty()) return value;
  }
  return std::nullopt;
}

std::optional<NamedNumber> number_in(const Variables& variable,
                                     std::initializer_list<const char*> names, std::int64_t least) {
  for (const char* name : names) {
    const auto text = variable(name);
    if (!text || text->empty()) continue;
    const auto value = parse_integer(*text);
    if (!value || *value < least)
      throw UsageError(
          format("the environment variable {} is '{}', not a whole number of at least {}", name,
                 *text, least));
    return NamedNumber{name, *value};
  }
  return std::nullopt;
}

std::uint16_t port_in(const Variables& variable, const std::string& job) {
  const auto given = number_in(variable, {"MASTER_PORT"}, 1);
  if (!given) return static_cast<std::uint16_t>(kFirstPort + hash_of(job) % kPorts);
  if (given->value > std::numeric_limits<std::uint16_t>::max())
    throw UsageError(format("{}, not a port: 1 to 65535", text_of(*given)));
  return static_cast<std::uint16_t>(given->value);
}

RankPlace place_of(const Numbers& numbers, const std::string& launcher) {
  check_below(numbers.rank, numbers.size);
  RankPlace place;
  place.rank = numbers.rank.value;
  place.size = numbers.size.value;
  place.launcher = launcher;
  if (numbers.local_rank) place.local_rank = numbers.local_rank->value;
  if (numbers.local_size) {
    if (numbers.local_size->value > numbers.size.value)
      throw UsageError(format("{}, but {}: a machine cannot have more ranks than there are",
                              text_of(*numbers.local_size), text_of(numbers.size)));
    if (numbers.local_rank) check_below(*numbers.local_rank, *numbers.local_size);
    place.local_size = numbers.local_size->value;
  } else {
    place.local_size = place.local_rank + 1;
  }
  return place;
}

}  // namespace onecycle
