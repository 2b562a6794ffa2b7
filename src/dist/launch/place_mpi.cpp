#include "onecycle/error.h"

#include "core/text/format.h"
#include "dist/launch/place_variables.h"

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

}  // namespace onecycle
