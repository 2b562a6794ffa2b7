#pragma once

#include "onecycle/options.h"
#include "onecycle/schedules.h"

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>

namespace onecycle {

// A map of options from words: `policy=smith warmup.duration=5it milestones=[3it,7it]`. A word may
// hold a list of segments too: `lr=[duration:5it|from:1|to:2,from:2]`.
inline Value options_in(const std::string& words);

namespace detail {

inline Value value_of(const std::string& text) {
  if (text.empty() || text.front() != '[') return Value::scalar(text);
  Value list = Value::list();
  std::istringstream items(text.substr(1, text.size() - 2));
  for (std::string item; std::getline(items, item, ',');) {
    if (item.find(':') == std::string::npos) {
      list.items.push_back(Value::scalar(item));
      continue;
    }
    Value map = Value::map();
    std::istringstream members(item);
    for (std::string member; std::getline(members, member, '|');) {
      const auto colon = member.find(':');
      map.set(member.substr(0, colon), Value::scalar(member.substr(colon + 1)));
    }
    list.items.push_back(map);
  }
  return list;
}

}  // namespace detail

inline Value options_in(const std::string& words) {
  Value result = Value::map();
  std::istringstream stream(words);
  for (std::string word; stream >> word;) {
    const auto equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const Value value = detail::value_of(word.substr(equals + 1));
    const auto dot = key.find('.');
    if (dot == std::string::npos) {
      result.set(key, value);
      continue;
    }
    const std::string section = key.substr(0, dot);
    Value inner = result.find(section) ? *result.find(section) : Value::map();
    inner.set(key.substr(dot + 1), value);
    result.set(section, inner);
  }
  return result;
}

inline std::unique_ptr<Schedule> schedule_of(const std::string& name, const std::string& words,
                                             const ScheduleContext& context = {}) {
  const ScheduleRegistry registry = builtin_schedules();
  return registry.make(choose(registry.variants(), name, options_in(words), "schedule"), context);
}

// The message of the error that making the schedule throws; empty when none.
inline std::string refusal_of(const std::string& name, const std::string& words,
                              const ScheduleContext& context = {}) {
  try {
    schedule_of(name, words, context);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace onecycle
