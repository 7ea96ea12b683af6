"""What scenes are made with: noise, camera, sky, lens, plants, walls, rooms. Knows no place."""
