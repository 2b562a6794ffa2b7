#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace onecycle {

// Where this process stands among those that train one run together.
struct RankPlace {
  std::int64_t rank = 0;
  std::int64_t size = 1;
  std::int64_t local_rank = 0;  // among the ranks of this machine
  std::int64_t local_size = 1;
  std::string address = "127.0.0.1";  // of the store: a name or a number
  std::uint16_t port = 0;             // 0 only in a group of one
  bool store_is_served = false;       // by the launcher; otherwise rank 0 serves it
  std::int64_t attempt = 0;           // how often the launcher started all ranks again
  std::string secret;                 // of all ranks, ONECYCLE_STORE_SECRET; empty: none
  std::string launcher;               // "onecycle --ranks", "torchrun", "srun", "mpirun", "RANK"

  bool one_machine() const { return local_size == size; }
};

// Nothing where the variable is not set.
using Variables = std::function<std::optional<std::string>(const char* name)>;

// The place that a launcher gave to this process; nothing where none did. Of launchers inside one
// another, the inner one counts. Throws UsageError, naming the variables and their values, where
// they contradict one another or some are missing.
std::optional<RankPlace> place_in(const Variables& variable);
// The same in this process's environment.
std::optional<RankPlace> place_in_environment();

}  // namespace onecycle
