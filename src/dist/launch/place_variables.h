#pragma once

#include "dist/launch/place.h"

#include <initializer_list>

namespace onecycle {

// A number that one of several variables holds.
struct NamedNumber {
  const char* name;
  std::int64_t value;
};

// "RANK is 1"
std::string text_of(const NamedNumber& number);

// The first of the variables that is set and not empty. Throws UsageError where it is not a whole
// number of at least `least`.
std::optional<NamedNumber> number_in(const Variables& variable,
                                     std::initializer_list<const char*> names, std::int64_t least);
std::optional<std::string> text_in(const Variables& variable,
                                   std::initializer_list<const char*> names);

// MASTER_PORT; otherwise one that is the same for every process of the same job.
std::uint16_t port_in(const Variables& variable, const std::string& job);

// What a launcher says of a rank and its machine.
struct Numbers {
  NamedNumber rank;
  NamedNumber size;
  std::optional<NamedNumber> local_rank;
  std::optional<NamedNumber> local_size;
};

// Checked against one another. A local rank or size that is not there leaves one rank a machine.
RankPlace place_of(const Numbers& numbers, const std::string& launcher);

bool is_task_of_srun(const Variables& variable);
std::optional<RankPlace> place_of_srun(const Variables& variable);
std::optional<RankPlace> place_of_mpirun(const Variables& variable);

// The first host of Slurm's "node[01-04,07],x3": node01. Empty for a list that it cannot be.
std::string first_host(const std::string& list);
// How many tasks Slurm's "4(x2),3" gives to a node, counted from 0; nothing where it does not say.
std::optional<std::int64_t> tasks_on(const std::string& list, std::int64_t node);

}  // namespace onecycle
