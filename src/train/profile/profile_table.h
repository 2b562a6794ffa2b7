#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// What a thread did from `begin` on: an operator, or a phase of the step. Those of one thread are
// disjoint or nested.
struct ProfiledEvent {
  std::string name;
  std::int64_t begin = 0;     // ns
  std::int64_t duration = 0;  // ns
};

struct ProfileRow {
  std::string name;
  std::int64_t calls = 0;
  std::int64_t whole = 0;  // ns, with what it called
  std::int64_t self = 0;   // ns, without
};

// One row a name, that with the most time of its own first.
std::vector<ProfileRow> self_times(std::vector<ProfiledEvent> events);

struct StepProfile {
  std::int64_t steps = 0;
  std::int64_t duration = 0;       // ns, of all of them
  std::vector<ProfileRow> rows;    // of the thread that trains; phases are among them
  std::vector<ProfileRow> device;  // of a GPU, beside it
};

// Lines of text: the phases, in the step's order, and the operators; each list's shares, of the
// steps' time, add up to 100 %. What is left is named, too.
std::string text_of(const StepProfile& profile);

}  // namespace onecycle
