# Writes a CUDA source for every model of the zoo, and one that finds them by name; names them in SOURCES.
function(lockstep_cuda_zoo SOURCES)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/cuda_zoo")
  file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/models/*.hpp")
  set(sources "${folder}/zoo.cpp")
  set(declarations "")
  set(choices "")
  foreach(header IN LISTS headers)
    get_filename_component(name "${header}" NAME_WE)
    # A model is a class with a constructor from a data set.
    file(STRINGS "${header}" constructor REGEX "[A-Za-z0-9_]+\\((const )?Dataset&")
    if(NOT constructor)
      continue()
    endif()
    string(REGEX REPLACE ".*[ ]([A-Za-z0-9_]+)\\((const )?Dataset&.*" "\\1" class "${constructor}")
    file(GENERATE OUTPUT "${folder}/${name}.cu" CONTENT
"#include \"models/${name}.hpp\"

#include \"kernels/cuda/model_kernels.cuh\"

namespace lockstep {
const DeviceModelTable* cuda_${name}(bool mixed) {
  return mixed ? cuda_model_table<models::${class}, Single>() : cuda_model_table<models::${class}>();
}
}  // namespace lockstep
")
    list(APPEND sources "${folder}/${name}.cu")
    string(APPEND declarations "const DeviceModelTable* cuda_${name}(bool mixed);\n")
    string(APPEND choices "  if (model == \"${name}\") return cuda_${name}(mixed);\n")
  endforeach()
  file(GENERATE OUTPUT "${folder}/zoo.cpp" CONTENT
"#include \"kernels/cuda/devices.hpp\"

namespace lockstep {
${declarations}
const DeviceModelTable* cuda_zoo_table(const std::string& model, bool mixed) {
${choices}  return nullptr;
}
}  // namespace lockstep
")
  set(${SOURCES} "${sources}" PARENT_SCOPE)
endfunction()
