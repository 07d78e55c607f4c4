'use client';
import { PlasmicCanvasHost } from '@plasmicapp/host';
import '../../plasmic-init';

/** Plasmic Studio shows this page in a frame, and in it the components that are registered. */
export default function PlasmicHost() {
  return <PlasmicCanvasHost />;
}
