#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "dist/launch/place_variables.h"

#include <sstream>

namespace onecycle {

// Open MPI's variables, and those of MPICH's and Intel's process managers.
std::optional<RankPlace> place_of_mpirun(const Variables& variable) {
  const auto rank = number_in(variable, {"OMPI_COMM_WORLD_RANK", "PMI_RANK"}, 0);
  const auto size = number_in(variable, {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 1);
  if (!rank || !size) return std::nullopt;
  RankPlace place = place_of(
      {*rank, *size, number_in(variable, {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"}, 0),
       number_in(variable, {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"}, 1)},
      "mpirun");
  if (place.size == 1) return place;

  if (const auto given = text_in(variable, {"MASTER_ADDR"}))
    place.address = *given;
  else if (!place.one_machine())
    throw UsageError(
        format("rank {} of mpirun does not know the machine of rank 0: {} of {} ranks are on this "
               "machine and MASTER_ADDR is not set; mpirun -x MASTER_ADDR=HOST sets it",
               place.rank, place.local_size, place.size));
  place.port = port_in(
      variable, text_in(variable, {"PMIX_NAMESPACE", "OMPI_MCA_orte_ess_jobid"}).value_or("mpi"));
  return place;
}

namespace {

// Slurm's own numbers for what is no step of tasks: interactive, batch script, extern, pending.
constexpr std::int64_t kFirstSpecialStep = 0xfffffff0;

}  // namespace

std::string first_host(const std::string& list) {
  std::string host;
  bool in_brackets = false;
  bool in_first = false;  // the first number of the brackets
  for (const char letter : list) {
    if (letter == '[') {
      in_brackets = in_first = true;
    } else if (letter == ']') {
      in_brackets = false;
    } else if (in_brackets) {
      in_first = in_first && letter != '-' && letter != ',';
      if (in_first) host += letter;
    } else if (letter == ',') {
      break;
    } else {
      host += letter;
    }
  }
  return in_brackets ? "" : host;
}

std::optional<std::int64_t> tasks_on(const std::string& list, std::int64_t node) {
  std::istringstream in(list);
  std::int64_t next = 0;
  for (std::string part; std::getline(in, part, ',');) {
    const std::size_t times = part.find("(x");
    const auto tasks = parse_integer(part.substr(0, times));
    std::optional<std::int64_t> nodes = 1;
    if (times != std::string::npos)
      nodes = parse_integer(part.substr(times + 2, part.size() - times - 3));
    if (!tasks || !nodes) return std::nullopt;
    next += *nodes;
    if (node < next) return tasks;
  }
  return std::nullopt;
}

bool is_task_of_srun(const Variables& variable) {
  // A batch script, too, has SLURM_PROCID and SLURM_NTASKS; only a step's tasks have a step.
  const auto step = number_in(variable, {"SLURM_STEP_ID", "SLURM_STEPID"}, 0);
  return step && step->value < kFirstSpecialStep && text_in(variable, {"SLURM_PROCID"}) &&
         text_in(variable, {"SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"});
}

std::optional<RankPlace> place_of_srun(const Variables& variable) {
  if (!is_task_of_srun(variable)) return std::nullopt;
  const auto rank = number_in(variable, {"SLURM_PROCID"}, 0);
  const auto size = number_in(variable, {"SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"}, 1);
  const auto node = number_in(variable, {"SLURM_NODEID"}, 0);
  const auto tasks = text_in(variable, {"SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE"});
  std::optional<NamedNumber> local_size;
  if (tasks)
    if (const auto number = tasks_on(*tasks, node ? node->value : 0))
      local_size = NamedNumber{"SLURM_STEP_TASKS_PER_NODE", *number};
  RankPlace place =
      place_of({*rank, *size, number_in(variable, {"SLURM_LOCALID"}, 0), local_size}, "srun");
  if (place.size == 1) return place;

  const auto list = text_in(variable, {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"});
  const auto given = text_in(variable, {"MASTER_ADDR"});
  place.address = given ? *given : first_host(list.value_or(""));
  if (place.address.empty())
    throw UsageError(
        format("rank {} of srun does not know the machine of rank 0: SLURM_STEP_NODELIST is '{}'; "
               "set MASTER_ADDR",
               place.rank, list.value_or("")));
  const std::string job = text_in(variable, {"SLURM_JOB_ID", "SLURM_JOBID"}).value_or("");
  const std::string step = text_in(variable, {"SLURM_STEP_ID", "SLURM_STEPID"}).value_or("");
  place.port = port_in(variable, job + "." + step);
  return place;
}

}  // namespace onecycle
