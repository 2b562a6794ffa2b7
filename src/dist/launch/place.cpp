#include "dist/launch/place.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "dist/launch/place_variables.h"

#include <cstdlib>

namespace onecycle {

namespace {

struct Given {
  std::optional<NamedNumber> rank;
  std::optional<NamedNumber> size;
};

void check_equal(const std::optional<NamedNumber>& one, const std::optional<NamedNumber>& other) {
  if (!one || !other || one->value == other->value) return;
  throw UsageError(
      format("{}, but {}: unset the one that does not belong to this run, or make them agree",
             text_of(*one), text_of(*other)));
}

void check_against_mpirun(const Given& given, const Variables& variable) {
  check_equal(given.rank, number_in(variable, {"OMPI_COMM_WORLD_RANK", "PMI_RANK"}, 0));
  check_equal(given.size, number_in(variable, {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 1));
}

void check_against_srun(const Given& given, const Variables& variable) {
  check_equal(given.rank, number_in(variable, {"SLURM_PROCID"}, 0));
  check_equal(given.size, number_in(variable, {"SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"}, 1));
}

bool is_rank_of_mpirun(const Variables& variable) {
  if (variable("OMPI_COMM_WORLD_RANK")) return true;
  if (!variable("PMI_RANK")) return false;
  // srun --mpi=pmi2 sets this as well.
  return !is_task_of_srun(variable) || variable("PMI_RANK") != variable("SLURM_PROCID") ||
         variable("PMI_SIZE") != variable("SLURM_NTASKS");
}

// By RANK and WORLD_SIZE: our own launcher, torchrun, and whoever sets them by hand.
RankPlace place_of_rank(const Given& given, const Variables& variable, const char* launcher) {
  RankPlace place = place_of(
      {*given.rank, *given.size,
       number_in(variable,
                 {"LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"},
                 0),
       number_in(variable, {"LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"},
                 1)},
      launcher);
  const auto attempt = number_in(variable, {"ONECYCLE_ATTEMPT", "TORCHELASTIC_RESTART_COUNT"}, 0);
  if (attempt) place.attempt = attempt->value;
  place.store_is_served = variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
  if (place.size == 1 && !place.store_is_served) return place;
  for (const char* needed : {"MASTER_ADDR", "MASTER_PORT"})
    if (!text_in(variable, {needed}))
      throw UsageError(format("{} and {}, but {} is not set: set it to where rank 0 is",
                              text_of(*given.rank), text_of(*given.size), needed));
  place.address = *text_in(variable, {"MASTER_ADDR"});
  place.port = port_in(variable, "");
  return place;
}

[[noreturn]] void incomplete(const Given& given) {
  throw UsageError(format("{}, but {} is not set: set both, or neither",
                          text_of(given.rank ? *given.rank : *given.size),
                          given.rank ? "WORLD_SIZE" : "RANK"));
}

}  // namespace

namespace {

std::optional<RankPlace> place_by_launcher(const Variables& variable) {
  const Given given{number_in(variable, {"RANK"}, 0), number_in(variable, {"WORLD_SIZE"}, 1)};
  // These start processes themselves, inside whatever started them: what that says is no matter.
  if (given.rank && given.size && variable("ONECYCLE_ATTEMPT"))
    return place_of_rank(given, variable, "onecycle --ranks");
  if (given.rank && given.size && variable("TORCHELASTIC_RUN_ID"))
    return place_of_rank(given, variable, "torchrun");

  // In a Slurm job, mpirun starts its own helpers by srun, one a machine.
  const bool by_mpirun = is_rank_of_mpirun(variable);
  const bool by_srun = !by_mpirun && is_task_of_srun(variable);
  if (by_mpirun) check_against_mpirun(given, variable);
  if (by_srun) check_against_srun(given, variable);
  if (given.rank && given.size) return place_of_rank(given, variable, "RANK");
  if (by_mpirun) return place_of_mpirun(variable);
  if (by_srun) return place_of_srun(variable);
  if (given.rank || given.size) incomplete(given);
  return std::nullopt;
}

}  // namespace

std::optional<RankPlace> place_in(const Variables& variable) {
  auto place = place_by_launcher(variable);
  if (place) place->secret = variable("ONECYCLE_STORE_SECRET").value_or("");
  return place;
}

std::optional<RankPlace> place_in_environment() {
  return place_in([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

}  // namespace onecycle
