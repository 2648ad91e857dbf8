# Installs the build into a fresh place and builds examples/consumer against it.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed
    OUTPUT_VARIABLE words ERROR_VARIABLE words)
  if(failed)
    message(FATAL_ERROR "${ARGN}\n${words}")
  endif()
endfunction()

set(place ${BUILD}/installed)
file(REMOVE_RECURSE ${place})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${place})
run(${CMAKE_COMMAND} -S ${SOURCE}/examples/consumer -B ${place}/consumer
  -DCMAKE_PREFIX_PATH=${place} -DCAF_DIR=${CAF}
  -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${FLAGS})
run(${CMAKE_COMMAND} --build ${place}/consumer)
run(${place}/consumer/consumer ${place}/leasehold.db)
