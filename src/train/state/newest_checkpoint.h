#pragma once

#include "onecycle/checkpoint.h"

#include "formats/checkpoint_files.h"

#include <optional>
#include <string>
#include <vector>

// Which checkpoint of a run's folder counts: the newest file that is sound, by the steps in the
// files' names. The names last and best follow it; whoever was killed between writing a file and
// naming it left them behind.
namespace onecycle {

// A file is sound whose bytes are whole and whose state, where it has one, can be read. `warnings`
// names those passed over. Nothing where there is no file at all. Throw CheckpointError where there
// are some but none is sound.
std::optional<Snapshot> read_newest_checkpoint(const std::string& folder,
                                               std::vector<std::string>& warnings);
// Its path: by the name last where that is right.
std::optional<std::string> newest_checkpoint(const std::string& folder,
                                             std::vector<std::string>& warnings);

// Gives the names last and best to what the newest sound file knows to be the last and the best.
// For the one who holds the folder. Throws Error.
void mend_checkpoint_names(const std::string& folder);

}  // namespace onecycle
